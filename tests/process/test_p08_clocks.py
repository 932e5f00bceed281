"""P8: whatever the wall clock says, and however it jumps: the same states, attempts, delays and lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from ezrec.statemachine import operate
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.testing import FakeClock
from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder, make_folder
from tests.process.alone import Alone
from tests.waiting import wait_until

Trace = list[dict[str, Any]]
HOUR = timedelta(hours=1)
USUAL = datetime(2026, 6, 1, tzinfo=UTC)
WALLS = {
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
    "2038": datetime(2038, 1, 19, 3, 14, 1, tzinfo=UTC),
    "ten years back": USUAL - timedelta(days=3652),
}
NAMES = ("failing", "held", "pushed", "rebooted", "retried")
#: how the runs of each recording end, in turn; then all end well. None: when the scenario says so
CODES: Mapping[tuple[str, str], tuple[int | None, ...]] = {
    ("failing", "merge"): (1, 1),
    ("failing", "upload"): (75, 75, 75),
    ("pushed", "merge"): (1,),
    ("rebooted", "merge"): (1, None),
    ("retried", "merge"): (1, 1, 1),
}
OUTPUTS = {"merge": {"merged.mp4": b"video"}, "upload": {"receipt.json": b"{}"}}


@dataclass(kw_only=True)
class Scenario:
    """Five recordings in one root, from their drops to their ends, and what an operator does to them.

    `jump`, told the number of a step, sets the wall clock as it likes.
    """

    alone: Alone
    jump: Callable[[FakeClock, int], None]
    mtime: float | None = None
    steps: int = 0

    def play(self) -> None:
        self.codes = {key: list(codes) for key, codes in CODES.items()}
        self.alone.runner.script = self._end
        self.alone.between = self._step
        for name in NAMES:
            self._drop(name)
        (self.alone.root / "held" / ".hold").touch()
        self.alone.until(lambda: bool(self.alone.runner.running()))
        self.alone.clock.reboot()
        self.alone.runner.kill(self.alone.runner.running()[0])
        self.alone.until(lambda: ".merge_error" in self.alone.names("retried"))
        operate.retry(self.alone.engine.world, "retried", "somebody")
        (self.alone.root / "pushed" / ".completed").unlink(missing_ok=True)
        (self.alone.root / "pushed" / ".error").touch()
        (self.alone.root / "held" / ".hold").unlink()
        done = {"failing", "held", "rebooted", "retried"}
        self.alone.until(lambda: all(".completed" in self.alone.names(name) for name in done))

    def trace(self) -> Trace:
        """Every line of every journal but for what names the wall's time and the inode; runs and
        contents by the order of their appearance."""
        known: dict[str, int] = {}
        lines = [{"recording": name, **line} for name in NAMES for line in self.alone.journal(name)]
        for line in lines:
            for key in ("at", "dir"):
                line.pop(key)
            for key in {"run", "content"} & line.keys():
                line[key] = known.setdefault(line[key], len(known))
        return lines

    def _drop(self, name: str) -> None:
        place = self.alone.drop(name)
        if self.mtime is not None:
            for path in (place / "camera_0.mp4", place / ".done", place):
                os.utime(path, (self.mtime, self.mtime))

    def _step(self) -> None:
        self.steps += 1
        self.jump(self.alone.clock, self.steps)

    def _end(self, launch: Launch) -> tuple[int, Mapping[str, bytes]] | None:
        stage = launch.environment["EZREC_STAGE"]
        left = self.codes.get((launch.environment["EZREC_RECORDING_ID"], stage), [])
        code = left.pop(0) if left else 0
        if code is None:
            return None
        return code, OUTPUTS[stage] if code == 0 else {}


def played(
    site: Path,
    wall: datetime = USUAL,
    jump: Callable[[FakeClock, int], None] = lambda _clock, _step: None,
    mtime: float | None = None,
) -> Scenario:
    site.mkdir()
    with Alone(site, FakeClock(wall)) as alone:
        scenario = Scenario(alone=alone, jump=jump, mtime=mtime)
        scenario.play()
    return scenario


def by(delta: timedelta, at: int | None = None) -> Callable[[FakeClock, int], None]:
    """Jump at each step, or at one of them."""

    def jump(clock: FakeClock, step: int) -> None:
        if at in (None, step):
            clock.set_wall(clock.wall() + delta)

    return jump


def to_and_fro(clock: FakeClock, step: int) -> None:
    clock.set_wall(clock.wall() + (HOUR if step % 2 else -HOUR))


def test_p08_the_same_whatever_the_wall_says(tmp_path: Path, figure: Figure, long: bool) -> None:
    """A merge that fails twice, an upload put off three times, a push, a hold, a retry, a reboot: with
    the wall in 1970, in 2038, ten years back, jumping an hour at each step and (long) at each one
    step: every journal line is the same but for its `at`, and so is when it was written."""
    usual = played(tmp_path / "usual")
    expected = usual.trace()
    others = {name: played(tmp_path / name, wall) for name, wall in WALLS.items()}
    others["to and fro"] = played(tmp_path / "to and fro", USUAL, to_and_fro)
    if long:
        others["forward"] = played(tmp_path / "forward", WALLS["2038"], by(HOUR))
        others["backward"] = played(tmp_path / "backward", USUAL, by(-HOUR))
    for step in range(1, usual.steps + 1) if long else (usual.steps // 2,):
        for hours in (1, -1) if long else (-1,):
            name = f"{hours} h at step {step}"
            others[name] = played(tmp_path / name, USUAL, by(hours * HOUR, step))
    different = [name for name, other in others.items() if other.trace() != expected]
    figure("P8 wall clocks tried", len(others))
    figure("P8 journal lines each", len(expected))
    figure("P8 traces that differ", len(different))
    assert different == []
    assert_it_is_the_whole_scenario(expected)


def assert_it_is_the_whole_scenario(trace: Trace) -> None:
    """What was compared holds what it should: nothing was compared with nothing."""
    ends = {
        name: [(line["stage"], line["result"]) for line in lines(trace, name, "ended")]
        for name in NAMES
    }
    well = [("merge", "finished"), ("upload", "finished")]
    off = ("upload", "postponed")
    assert ends["failing"] == [("merge", "failed")] * 2 + well[:1] + [off] * 3 + well[1:]
    assert ends["held"] == well
    assert ends["rebooted"] == [("merge", "failed"), ("merge", "interrupted"), *well]
    assert ends["retried"] == [("merge", "failed")] * 3 + well
    assert [line["state"] for line in lines(trace, "pushed", "push")] == ["failed"]
    assert [line["attempt"] for line in lines(trace, "rebooted", "attempt")] == [1, 2, 2, 1]


def lines(trace: Trace, name: str, kind: str) -> Trace:
    return [line for line in trace if (line["recording"], line["kind"]) == (name, kind)]


def test_p08_the_times_of_files_settle_nothing(tmp_path: Path, figure: Figure, long: bool) -> None:
    """Files dropped with times from 1970 and 2100, (long) from now and ten years back: the same, and
    as soon."""
    expected = played(tmp_path / "usual").trace()
    ten_years = timedelta(days=3652).total_seconds()
    mtimes = {"1970": 0.0, "2100": 4.1e9}
    if long:
        mtimes |= {"ten years back": time.time() - ten_years, "now": time.time()}
    different = [
        name
        for name, mtime in mtimes.items()
        if played(tmp_path / name, mtime=mtime).trace() != expected
    ]
    figure("P8 times of files tried", len(mtimes))
    figure("P8 traces that differ, by the times of files", len(different))
    assert different == []


#: what the real daemon does in its scenario: result and attempt of each run
REAL_RUNS = [
    *[("merge", 1, "failed"), ("merge", 2, "finished")],
    *[("upload", 1, "postponed"), ("upload", 1, "postponed"), ("upload", 1, "finished")],
]
REAL_STATES = ["recorded", "merged", "completed", "recorded!", "merged", "completed"]
OFFSETS = {
    "1970": -time.time() + 5,
    "2038": 2**31 - 3 - time.time(),
    "ten years back": -timedelta(days=3652).total_seconds(),
}


@contextmanager
def moved_wall(folder: Folder, clock: str) -> Iterator[dict[str, str]]:
    """The environment in which the wall clock is moved; `jumping`: an hour to and fro, all the time."""
    library, offset = folder.site / "wall.so", folder.site / "wall"
    source = Path(__file__).with_name("wall.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    over = threading.Event()

    def jump() -> None:
        for hours in (1, -1) * 10**6:
            if over.wait(0.05):
                return
            fresh = folder.site / "wall.fresh"
            fresh.write_text(str(hours * 3600))
            fresh.rename(offset)

    offset.write_text(str(int(OFFSETS.get(clock, 0))))
    thread = threading.Thread(target=jump if clock == "jumping" else lambda: None)
    thread.start()
    try:
        yield {"LD_PRELOAD": str(library), "EZREC_TEST_WALL": str(offset)}
    finally:
        over.set()
        thread.join()


def test_p08_a_real_daemon_with_another_wall_clock(
    tmp_path: Path, figure: Figure, long: bool
) -> None:
    """The daemon, its nursery and its supervisors, to whom a small library shows another wall clock,
    or one that jumps twenty times a second: the same runs, attempts and states, and each delay is
    waited for, no more and no less. Where there is no C compiler the fake clocks above are the check,
    and the real daemon runs here with the wall clock as it is."""
    compiler = shutil.which("cc") is not None
    every = ("1970", "2038", "ten years back", "jumping", "as it is")
    clocks = (every if long else ("1970", "jumping")) if compiler else ("as it is",)
    # LD_PRELOAD is parted at spaces
    sites = {clock: tmp_path / clock.replace(" ", "-") for clock in clocks}
    late = [_played_for_real(sites[clock], clock, compiler) for clock in clocks]
    figure("P8 real daemon: wall clocks", ", ".join(clocks))
    figure("P8 real daemon: s later than a delay says, at most", max(late))
    assert max(late) < 2


def _played_for_real(site: Path, clock: str, compiler: bool) -> float:
    """By how many seconds the latest attempt came after its time."""
    site.mkdir()
    folder = make_folder(site)
    folder.configure("stages: {merge: {backoff: 0.2 s}, upload: {backoff: 0.1 s}}")
    for stage, times, code in (("merge", 1, 1), ("upload", 2, 75)):
        fails = f'[ $(grep -c "^start {stage} match" "$site/calls") -gt {times} ] || exit {code}\n'
        text = (folder.root / "hooks" / f"{stage}.sh").read_text()
        folder.hook(f"{stage}.sh", text.replace("gate\n", "gate\n" + fails, 1))
    try:
        with (
            moved_wall(folder, clock) if compiler else _as_it_is() as environment,
            folder.daemon(environment=environment),
        ):
            _drop_push_hold(folder)
        assert _wall_was_moved(folder, clock)
    finally:
        folder.end_everything()
    ended = folder.journal("match", "ended")
    runs = [(line["stage"], line["attempt"], line["result"]) for line in ended]
    assert runs == [*REAL_RUNS, ("merge", 1, "finished"), ("upload", 1, "finished")]
    assert folder.states("match") == REAL_STATES
    return max(_lateness(folder.journal("match")))


def _drop_push_hold(folder: Folder) -> None:
    folder.drop("match", ".done")
    os.utime(folder.root / "match" / "camera_0.mp4", (4.1e9, 4.1e9))
    folder.wait_for("match", ".completed", seconds=30)
    (folder.root / "match" / ".hold").touch()
    (folder.root / "match" / ".done").touch()
    folder.drop("other", ".done")
    folder.wait_for("other", ".completed", seconds=30)
    assert ".completed" in folder.markers("match")
    (folder.root / "match" / ".hold").unlink()
    wait_until(lambda: len(folder.states("match")) == len(REAL_STATES), 30)
    folder.wait_for("match", ".completed")


@contextmanager
def _as_it_is() -> Iterator[dict[str, str]]:
    yield {}


def _wall_was_moved(folder: Folder, clock: str) -> bool:
    """The daemon was told what it should be: its own lines say so."""
    at = [datetime.fromisoformat(line["at"]) for line in folder.journal("match")]
    jumps = [abs(b - a) for a, b in pairwise(at) if abs(b - a) > timedelta(minutes=50)]
    years = {"1970": 1970, "2038": 2038, "ten years back": datetime.now(UTC).year - 10}
    return bool(jumps) if clock == "jumping" else at[0].year == years.get(clock, at[0].year)


def _lateness(journal: Trace) -> Iterator[float]:
    """Of each attempt after a delay; never below 0."""
    for ended, begun in pairwise(journal):
        if ended["kind"] == "ended" and "delay" in ended:
            assert begun["kind"] == "attempt"
            late = begun["up"] - ended["up"] - ended["delay"]
            assert late > -0.01
            yield round(late, 2)
