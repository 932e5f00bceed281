"""The test doubles that ship with the library, used as an integrator would: no process, no waiting."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, calls, files, journal, make_root, operate
from ezrec.statemachine.decide import Park, Settle, Start
from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.history import history_of
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.markers import How
from ezrec.statemachine.place import Place
from ezrec.statemachine.reconcile import nothing_starts, reconcile
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher
from ezrec.statemachine.view import case_of
from ezrec.statemachine.world import Changed, Verify, World
from tests.meanwhile import is_waiting, meanwhile
from tests.waiting import wait_until

Trace = list[tuple[object, ...]]
OUTPUTS = {"merge": {"merged.mp4": b"video"}, "upload": {"receipt.json": b"{}"}}


class Site:
    """A root under an engine whose clock, watcher and runner are doubles."""

    def __init__(
        self,
        root: Path,
        codes: Mapping[str, list[int]],
        wall: datetime,
        verify: Verify = lambda _stage, _fd: "",
    ) -> None:
        make_root(root)
        hooks = root / "hooks"
        hooks.mkdir()
        for stage in ("capture", "merge", "upload"):
            (hooks / f"{stage}.py").write_text("# never run: the runner is scripted\n")
        self.root = root
        self.clock = FakeClock(wall)
        self.watcher = ScriptedWatcher()
        self.codes = {stage: list(each) for stage, each in codes.items()}
        self.runner = ScriptedRunner(self.script)
        self.engine = Engine(
            root,
            RECORDING,
            (hooks,),
            settle=timedelta(seconds=5),
            clock=self.clock,
            watcher=self.watcher,
            runner=self.runner,
            reserved=frozenset({"hooks"}),
            verify=verify,
            chance=lambda: 0.5,
        )
        self.between: Callable[[], None] = lambda: None

    def script(self, launch: Launch) -> tuple[int, Mapping[str, bytes]]:
        """Each stage ends with its next code; the outputs are there when that is 0."""
        stage = launch.environment["EZREC_STAGE"]
        waiting = self.codes.get(stage, [])
        code = waiting.pop(0) if waiting else 0
        return code, OUTPUTS.get(stage, {}) if code == 0 else {}

    def drop(self, name: str) -> Path:
        """A directory with footage and `.done`."""
        recording = self.root / name
        recording.mkdir()
        (recording / "camera_0.mp4").write_bytes(b"footage")
        (recording / ".done").touch()
        self.watcher.change(name)
        return recording

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass, a second at a step, until the condition holds."""

        def holds() -> bool:
            self.clock.advance(1)
            self.between()
            self.watcher.change("x")
            return condition()

        wait_until(holds)

    def trace(self, name: str) -> Trace:
        """The journal without what the clocks and the run ids put into it."""
        with self.engine.world.root.opened(name) as fd:
            lines = Journal(fd, self.engine.world.root.id, self.clock).read()
        keys = ("kind", "state", "stage", "attempt", "result", "to", "delay")
        return [tuple(line.get(key) for key in keys) for line in lines]


@contextmanager
def site(
    root: Path,
    codes: Mapping[str, list[int]],
    wall: datetime,
    verify: Verify = lambda _stage, _fd: "",
) -> Iterator[Site]:
    made = Site(root, codes, wall, verify)
    try:
        made.engine.start()
        wait_until(lambda: made.watcher.running)
        yield made
    finally:
        made.engine.close()


FAILING = {"merge": [1, 1], "upload": [75, 75]}
END = ("state", "completed", None, None, None, None, None)
WALLS = {
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
    "2038": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    "ten years back": datetime(2016, 1, 1, tzinfo=UTC),
}


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


def test_p16_a_run_goes_on_though_the_beginning_of_the_journal_is_lost(tmp_path: Path) -> None:
    """The line that told the state is damaged, or too long ago to be read: the marker is believed, and
    is not taken for one that an operator has dropped on the work."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        recording = made.drop("x")
        made.until(lambda: bool(made.runner.running()))
        book = recording / journal.DIRECTORY / journal.NAME
        first, *rest = book.read_bytes().splitlines(keepends=True)
        assert journal.decode(first)[0]["state"] == "recorded"
        looks = made.engine.world.clock.seconds() + 30
        book.write_bytes(b"".join(rest))
        made.until(lambda: made.clock.seconds() > looks)
        made.runner.finish(made.runner.running()[0], 0, OUTPUTS["merge"])
        made.until((recording / ".merged").exists)
        kinds = [line[0] for line in made.trace("x")]
        assert "cancel" not in kinds and "push" not in kinds


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


def test_what_the_daemon_could_not_write_of_itself_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`ezrec status` would have it starting for ever. What keeps it from that is said once."""
    make_root(tmp_path / "root")
    there = tmp_path / "root" / ".ezrec" / "daemon.json"
    there.mkdir()
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        started = made.clock.seconds()
        made.until(lambda: made.clock.seconds() > started + 60)
        there.rmdir()
        made.until(there.is_file)
        assert json.loads(there.read_text())["watching"] == "inotify"
    assert sum("own state" in record.message for record in caplog.records) == 1


class _FailingSync:
    """The fsync that follows the renaming of a marker to `marker` fails, once."""

    def __init__(self) -> None:
        self.marker = ""
        self._fd = -1
        sys.addaudithook(self._meet)

    def _meet(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != calls.EVENT or not self.marker:
            return
        if arguments[0] == "rename_new" and arguments[3] == self.marker:
            self._fd = cast(int, arguments[1])
        elif arguments[:2] == ("sync", self._fd):
            self.marker = ""
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_p04_a_state_whose_fsync_failed_is_told_when_it_is_journaled(tmp_path: Path) -> None:
    """The commit is cut off behind the rename: the next look takes the state up, and tells of it, once."""
    failing = _FailingSync()
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        (made.root / "hooks" / "on_merged.py").write_text("# never run\n")
        failing.marker = ".merged"
        made.drop("x")
        made.until(lambda: made.trace("x")[-1:] == [END])
        assert failing.marker == ""
        told = [launch for launch in made.runner.launches if launch.log == "on_merged.log"]
        assert len(told) == 1
        assert list((made.root / ".ezrec" / "tells").iterdir()) == []


class _Overtaken(Journal):
    """A journal that is read just when whoever holds the lease carries the recording on."""

    def __init__(self, place: Place, world: World) -> None:
        super().__init__(place.fd, world.root.id, world.clock)
        self._carried_on = False
        self._marked = place

    def read(self) -> list[dict[str, object]]:
        if not self._carried_on:
            self._carried_on = True
            self.append("ended", durable=True, to="merged", result="finished", run="0" * 32)
            self._marked.rename(".done", ".merged")
            self.append("state", durable=False, state="merged", marker=".merged", how="finished")
            self.append("attempt", durable=True, run="1" * 32, stage="upload", state="merged")
        return super().read()


def test_p11_work_that_goes_on_under_a_lease_is_no_push(tmp_path: Path) -> None:
    """The markers were listed before a commit and the journal read after it: of one moment they have to be,
    or another daemon would end what runs."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    recording, world = made.drop("x"), made.engine.world
    with world.root.opened("x") as fd:
        place = Place(fd, world.lifecycle)
        book = Journal(fd, world.root.id, world.clock)
        book.append("state", durable=False, state="recorded", marker=".done", how="find")
        case = case_of(world, "x", place, _Overtaken(place, world), leased=True)
    assert (recording / ".merged").exists()
    assert (case.resolution.how, case.state) == (How.SETTLED, "merged")
    made.engine.close()


def test_p02_a_retry_that_was_told_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can't be brought there the operator hears of it, and it was none."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    made.drop("x")
    operate.retry(made.engine.world, "x", "me")

    def refuse(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "sync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        operate.retry(made.engine.world, "x", "me")
    monkeypatch.undo()
    assert [line[0] for line in made.trace("x")] == ["retry"]
    operate.retry(made.engine.world, "x", "me")
    assert [line[0] for line in made.trace("x")] == ["retry", "retry"]
    made.engine.close()


def test_a_state_that_can_not_be_told_just_now_is_told_by_the_same_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing more need happen to it; and what keeps it from being told is said once."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        (made.root / "hooks" / "on_completed.py").write_text("# never run\n")
        refused: list[str] = []
        start = made.runner.start

        def refuse(launch: Launch, fd: int) -> None:
            if launch.log == "on_completed.log" and len(refused) < 5:
                refused.append(launch.run)
                raise RunnerUnavailable("no process is to be had", "it is tried again")
            start(launch, fd)

        made.runner.start = refuse  # type: ignore[method-assign]
        made.drop("x")
        made.until(lambda: len(refused) == 5)
        made.until(lambda: made.runner.launches[-1].log == "on_completed.log")
        assert len(set(refused)) == 1
        said = [record.message for record in caplog.records if "told later" in record.message]
        assert len(said) == 1


def test_p03_an_end_that_can_not_be_read_just_now_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMFILE, EIO: the run ended well, and it is no attempt that was killed."""
    read = files.read
    failed: list[str] = []

    def unreadable(dir_fd: int, name: str, limit: int) -> bytes:
        if name.startswith(".run-") and len(failed) < 3:
            failed.append(name)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return read(dir_fd, name, limit)

    monkeypatch.setattr(files, "read", unreadable)
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        recording = made.drop("x")
        made.until((recording / ".completed").exists)
        assert len(failed) == 3
        assert [line[4] for line in made.trace("x") if line[0] == "ended"] == ["finished"] * 2


@pytest.mark.parametrize(
    ("code", "results"),
    [(errno.EIO, ["postponed", "finished", "finished"]), (errno.EMFILE, ["finished", "finished"])],
)
def test_p03_an_output_that_can_not_be_read_is_no_attempt(
    tmp_path: Path, code: int, results: list[str]
) -> None:
    """What the disk does not give back is made anew; what the machine is short of is waited for."""
    failing = [OSError(code, os.strerror(code))]

    def verify(_stage: str, _fd: int) -> str:
        if failing:
            raise failing.pop()
        return ""

    with site(tmp_path / "root", {}, WALLS["2038"], verify) as made:
        recording = made.drop("x")
        made.until((recording / ".completed").exists)
        assert [line[4] for line in made.trace("x") if line[0] == "ended"] == results
        assert {line[3] for line in made.trace("x") if line[0] == "attempt"} == {1}


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


def test_p03_a_run_that_no_hook_was_started_for_is_no_attempt(tmp_path: Path) -> None:
    """A full disk keeps the supervisor from beginning: put off, said, and not counted."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        recording = made.drop("x")
        for times in range(1, 7):
            made.until(lambda times=times: len(made.runner.launches) == times)  # type: ignore[misc]  # bound at once
            wait_until(lambda: bool(made.runner.running()))
            (recording / "logs" / ".progress").unlink()
            made.runner.kill(made.runner.running()[0])
        made.until(lambda: len(made.runner.launches) == 7)
        assert {launch.environment["EZREC_ATTEMPT"] for launch in made.runner.launches} == {"1"}
        assert (recording / ".done").exists()


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


def test_p03_a_root_that_is_back_and_can_not_be_locked_is_waited_for(tmp_path: Path) -> None:
    """The disk that came back refuses its lock once: the daemon lives, and takes it up the next time."""
    root, away = tmp_path / "root", tmp_path / "away"
    with site(root, {}, WALLS["2038"]) as made:
        root.rename(away)
        made.until(lambda: made.engine.world.root.is_still_there() is False)
        with meanwhile("lock", str(fcntl.LOCK_EX | fcntl.LOCK_NB), no_locks):
            shutil.copytree(away, root)
            made.until(lambda: not is_waiting("lock"))
        made.until(made.engine.world.root.is_still_there)
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


def test_p03_a_start_that_the_disk_refuses_is_journaled_in_words(tmp_path: Path) -> None:
    """`ezrec why` shows it to people: no number of an error, no path of our own."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        with meanwhile("link", ".lock", no_locks):
            recording = made.drop("x")
            made.until((recording / ".completed").exists)
        with made.engine.world.root.opened("x") as fd:
            lines = Journal(fd, made.engine.world.root.id, made.clock).read()
    assert [line["reason"] for line in lines if line.get("result") == "postponed"] == [
        os.strerror(errno.ENOLCK)
    ]


def no_locks() -> None:
    """As a share says whose lock daemon is away."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


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
