"""The test doubles that ship with the library, used as an integrator would: no process, no waiting."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, make_root
from ezrec.statemachine.decide import Park, Settle, Start
from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.history import history_of
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.reconcile import nothing_starts, reconcile
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.world import Changed
from tests.meanwhile import meanwhile
from tests.statemachine.scripted import END, OUTPUTS, WALLS, Site, Trace, site
from tests.waiting import wait_until

FAILING = {"merge": [1, 1], "upload": [75, 75]}


def run_once(root: Path, wall: datetime, jump: timedelta = timedelta(0)) -> Trace:
    """A whole life with two failed merges and two uploads put off."""
    with site(root, FAILING, wall) as made:
        made.between = lambda: made.clock.set_wall(made.clock.wall() + jump)
        made.drop("x")
        made.until(lambda: made.trace("x")[-1:] == [END])
        return made.trace("x")


def test_p08_no_state_and_no_attempt_depends_on_the_wall_clock(tmp_path: Path) -> None:
    """1970, 2038, ten years back, jumping an hour each second: the same states, attempts, delays."""
    usual = run_once(tmp_path / "usual", datetime(2026, 6, 1, tzinfo=UTC))
    others = {name: run_once(tmp_path / name, wall) for name, wall in WALLS.items()}
    hour = timedelta(hours=1)
    others["forward"] = run_once(tmp_path / "forward", WALLS["2038"], hour)
    others["backward"] = run_once(tmp_path / "backward", WALLS["2038"], -hour)
    assert [line[3] for line in usual if line[0] == "attempt"] == [1, 2, 3, 1, 1, 1]
    for name, trace in others.items():
        assert trace == usual, name
    print(f"{len(others) + 1} clocks, {len(usual)} journal lines each, identical")


def test_a_drop_is_acted_on_only_when_it_has_stood_still(tmp_path: Path) -> None:
    """Five seconds of the boot clock in which nothing in it changes; until then nothing is written."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    recording, settling = made.drop("x"), Settling(5.0)
    for size in range(2, 12):
        (recording / "camera_0.mp4").write_bytes(b"x" * size)
        left = reconcile(made.engine.world, "x", settling, nothing_starts)
        assert isinstance(left.decision, Settle)
        made.clock.advance(4)
        reconcile(made.engine.world, "x", settling, nothing_starts)
        assert sorted(path.name for path in recording.iterdir()) == [".done", "camera_0.mp4"]
    made.clock.advance(1)
    found = reconcile(made.engine.world, "x", settling, nothing_starts)
    assert isinstance(found.decision, Start)
    made.engine.close()


def test_a_run_goes_on_until_it_is_finished(tmp_path: Path) -> None:
    """A script that answers None leaves the run going, its lease held; `finish` ends it."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        recording = made.drop("x")
        made.until(lambda: bool(made.runner.running()))
        assert (recording / ".done").exists() and (recording / ".lock").exists()
        made.runner.finish(made.runner.running()[0], 0, OUTPUTS["merge"])
        made.until((recording / ".merged").exists)


def test_a_hook_that_is_taken_away_at_the_last_moment_has_not_ended_well(tmp_path: Path) -> None:
    """It was there when it was looked for: what has run nothing is no attempt, and claims nothing."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    hook = made.root / "hooks" / "upload.py"

    def describe(_fd: int, _recording: str) -> tuple[dict[str, str], dict[str, object]]:
        hook.unlink(missing_ok=True)  # a moment before it is looked up to be run
        return {}, {}

    recording = made.drop("x")
    recording.joinpath(".done").rename(recording / ".merged")
    world = replace(made.engine.world, describe=describe)
    with pytest.raises(RunnerUnavailable):
        reconcile(world, "x", Settling(0.0), lambda _recording, _stage: (True, False))
    parked = reconcile(world, "x", Settling(0.0), lambda _recording, _stage: (True, False))
    assert isinstance(parked.decision, Park)
    assert made.runner.launches == []
    assert (recording / ".merged").exists() and made.trace("x")[-1][0] == "state"
    made.engine.close()


def test_what_is_parked_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However often it is looked at: the log of a station that nobody visits is not filled with it."""
    looks = 0

    def looked() -> bool:
        nonlocal looks
        looks += 1
        return looks > 100

    with site(tmp_path / "root", {"merge": [78]}, WALLS["2038"]) as made:
        made.drop("x")
        made.until(lambda: any(line[4] == "parked" for line in made.trace("x")))
        made.until(looked)
        said = [record.message for record in caplog.records if "is parked" in record.message]
        assert len(said) == 1


def test_a_killed_run_counts_and_is_tried_again(tmp_path: Path) -> None:
    """Its supervisor died in this boot: an attempt. A reboot: an interruption, not an attempt."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        made.drop("x")
        made.until(lambda: bool(made.runner.running()))
        made.runner.kill(made.runner.running()[0])
        made.until(lambda: len(made.runner.launches) == 2 and bool(made.runner.running()))
        attempts = [launch.environment["EZREC_ATTEMPT"] for launch in made.runner.launches]
        assert attempts == ["1", "2"]
        made.clock.reboot()
        made.runner.kill(made.runner.running()[0])
        made.until(lambda: len(made.runner.launches) == 3)
        assert made.runner.launches[2].environment["EZREC_ATTEMPT"] == "2"
        with made.engine.world.root.opened("x") as fd:
            lines = Journal(fd, made.engine.world.root.id, made.clock).read()
        assert history_of(lines).interruptions == 1


@pytest.mark.parametrize("sees", [True, False])
def test_a_watcher_that_goes_blind_is_noticed(tmp_path: Path, sees: bool) -> None:
    """Blind, the engine scans every two seconds: a drop that nobody hinted is found all the same."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.watcher.sees = sees
        recording = made.root / "x"
        recording.mkdir()
        (recording / "camera_0.mp4").write_bytes(b"footage")
        (recording / ".done").touch()

        def found() -> bool:
            made.clock.advance(1)
            made.watcher.change("nothing")
            return (recording / ".completed").exists()

        wait_until(found)


def test_nothing_starts_while_the_root_is_gone(tmp_path: Path) -> None:
    """A root that was renamed or unmounted: no attempt is spent; it goes on when the root is back."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        recording = made.drop("x")
        made.root.rename(tmp_path / "away")
        made.until(lambda: "x" in made.engine.worker.tally.troubled)
        assert made.runner.launches == []
        (tmp_path / "away").rename(made.root)
        made.until((recording / ".completed").exists)
        assert [launch.environment["EZREC_ATTEMPT"] for launch in made.runner.launches] == [
            "1",
            "1",
        ]


def test_a_callback_that_fails_stops_nothing(tmp_path: Path) -> None:
    """It is the caller's, and is said to be; the recording goes on."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.engine.listen(lambda _changed: 1 / 0)  # type: ignore[arg-type]  # it fails first
        recording = made.drop("x")
        made.until((recording / ".completed").exists)
        assert made.engine.worker.tally.troubled == {}


def test_started_twice_is_started_once(tmp_path: Path) -> None:
    """The second start is nothing, and closing comes to an end."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.engine.start()
        recording = made.drop("x")
        made.until((recording / ".completed").exists)


def test_stopped_twice_and_started_again_it_works(tmp_path: Path) -> None:
    """A stop where nothing works is over when the next start begins: it did not end that one unseen."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.engine.stop()
        made.engine.stop()
        made.engine.start()
        wait_until(lambda: made.watcher.running)
        recording = made.drop("x")
        made.until((recording / ".completed").exists)


def test_a_lock_that_somebody_makes_at_the_last_moment_is_no_trouble(tmp_path: Path) -> None:
    """It says what ours would: the attempt that has begun goes on."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        recording = made.root / "x"
        with meanwhile("link", ".lock", lambda: (recording / ".lock").touch()):
            made.drop("x")
            made.until((recording / ".completed").exists)
        ends = [line for line in made.trace("x") if line[0] == "ended"]
    assert [line[4] for line in ends] == ["finished", "finished"]


def test_a_lease_that_nobody_gives_back_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run has outlived its limit, and what holds the lease is no supervisor: it is looked at again and
    again, and nobody is said to be killed."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        made.drop("x")
        made.until(lambda: bool(made.runner.running()))
        made.clock.advance(100_000)
        looks = [0]
        made.between = lambda: looks.append(looks.pop() + 1)
        made.until(lambda: looks[0] > 50 and "outlived" in caplog.text)
    told = [each for each in caplog.messages if "outlived" in each]
    gone = "its supervisor is gone, but somebody holds its lease"
    assert told == [f"x: merge has outlived its limit: {gone}"]


def test_who_stops_listening_takes_no_change_from_another(tmp_path: Path) -> None:
    """Several follow one change at a time and go, while the next one is being told: each hears the first
    change after it has come."""
    make_root(tmp_path / "root")
    engine = Engine(tmp_path / "root", RECORDING, ())
    told, heard, missed, over = [0], [0], [0], threading.Event()

    def listen() -> None:
        while not over.is_set():
            changes, before = engine.changes(), told[0]
            missed[0] += int(next(changes).reason) > before + 1
            changes.close()  # type: ignore[attr-defined]  # it is a generator
            heard[0] += 1

    def tell() -> None:
        told[0] += 1
        number = str(told[0])
        engine.world.on_change(
            Changed(recording="x", origin="recorded", state="merged", how="finished", reason=number)
        )

    listeners = [threading.Thread(target=listen, daemon=True) for _ in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for each in listeners:
            each.start()
        while heard[0] < 10_000:
            tell()
        over.set()
        while any(each.is_alive() for each in listeners):
            tell()
    finally:
        sys.setswitchinterval(interval)
        engine.close()
    assert missed == [0]
