"""P9: no hook outlives its limit and its grace by more than it takes to end what it has left behind."""

from __future__ import annotations

import time

from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder
from tests.process.tricks import Play, Trick
from tests.statemachine.minding import Minded

#: seconds beyond limit and grace: a supervisor that is killed for being stopped takes ten
SLACK = 8.0

TRICKS = {
    "ignores-every-signal": Trick(does="ignore(); wait()"),
    "leaves-group-and-session": Trick(does="ignore(); away(); wait()"),
    "goes-away-and-ends-well": Trick(does="sent_away()", said="without its output"),
    "goes-away-and-fails": Trick(does="sent_away(); sys.exit(3)", said="exited 3"),
    "stops-itself": Trick(does="ignore(); stop(os.getpid()); wait()"),
    "stops-what-it-started": Trick(does="away(stopped); wait()"),
    "stops-its-supervisor": Trick(does="stop(supervisor); wait()"),
    "stops-its-nursery": Trick(does="stop(nursery); away(); wait()"),
    "breeds": Trick(does="breed(200); wait()"),
    "runs-from-pid-to-pid": Trick(
        does="away(runner); time.sleep(0.2); sys.exit(3)", said="exited 3"
    ),
    "bears-another-name": Trick(
        does="ctypes.CDLL(None).prctl(15, b') Z 1 ('); ignore(); away(); wait()"
    ),
    "is-another-program": Trick(does="sleeper()"),
    "floods-for-ever": Trick(does="ignore(); [os.write(1, bytes(1 << 16)) for _ in range(10**9)]"),
    "kills-its-supervisor": Trick(does="sent_away(); kill(supervisor); wait()", said="was killed"),
    "kills-it-later": Trick(
        does="away(lambda: (kill(supervisor), sleeper())); wait()", said="was killed"
    ),
    "runs-when-it-is-killed": Trick(
        does="away(runner); time.sleep(0.2); kill(supervisor); wait()", said="was killed"
    ),
    "stops-one-kills-the-other": Trick(
        does="sent_away(); stop(nursery); kill(supervisor); wait()", said="was killed"
    ),
}
KILLERS = {
    "kills-the-daemon": Trick(does="kill(daemon); ignore(); away(); wait()"),
    "kills-the-nursery": Trick(does="kill(nursery); ignore(); away(); wait()"),
    "kills-all-but-the-nursery": Trick(
        does="sent_away(); kill(daemon); time.sleep(0.5); kill(supervisor); wait()",
        said="was killed",
    ),
    "kills-all-and-bears-its-run": Trick(
        does="sent_away(away_with_its_environment); kill(daemon, nursery, supervisor); wait()",
        said="was killed",
    ),
}


def played(
    folder: Folder, figure: Figure, what: str, tricks: dict[str, Trick], at_once: int
) -> Play:
    """Played out: in time, nothing left, each in its right state, its end said as it was."""
    play = Play(folder=folder, tricks=tricks, at_once=at_once)
    try:
        play.run()
        survivors = play.survivors()
    finally:
        play.end()
    figure(f"P9 {what}", len(tricks))
    latest = max(play.over, key=lambda name: play.over[name])
    figure(f"P9 {what}: s beyond limit + grace, at most", f"{play.over[latest]} ({latest})")
    figure(f"P9 {what}: survivors", sum(map(len, survivors.values())))
    assert survivors == {}
    assert play.over[latest] <= SLACK
    assert {
        name: play.reason(name) for name, t in tricks.items() if t.said not in play.reason(name)
    } == {}
    assert {name for name in tricks if folder.markers(name) != {".merge_error"}} == set()
    for name in tricks:
        assert len(folder.journal(name, "attempt")) == 1
    return play


def test_p09_no_hook_outlives_its_limit(folder: Folder, figure: Figure, long: bool) -> None:
    """Signals ignored, sessions left, environments cleared, processes stopped, bred and renamed,
    supervisors killed: in time all of it is gone, by whatever name it goes."""
    tricks = dict(TRICKS)
    if long:
        tricks["breeds"] = Trick(does="breed(1000); wait()")
    played(folder, figure, "tricks", tricks, 9)
    beats = (folder.site / "beats").stat().st_size
    time.sleep(0.2)  # who runs from pid to pid is seen by its steps
    assert beats > 0 and (folder.site / "beats").stat().st_size == beats
    for name in tricks:
        logs = sum(path.stat().st_size for path in (folder.root / name / "logs").iterdir())
        assert logs < (8 << 20) + (256 << 10), name


def test_p09_nor_does_one_that_kills_what_minds_it(folder: Folder, figure: Figure) -> None:
    """Daemon, nursery and supervisor killed by the hook, one or several: the same."""
    play = played(folder, figure, "killers", KILLERS, 1)
    figure("P9 killers: daemons used", play.daemons)
    assert play.daemons == 1 + sum("daemon" in trick.does for trick in KILLERS.values())


def test_p09_what_is_not_promised(folder: Folder, figure: Figure) -> None:
    """A hook that kills nursery and supervisor both, and has cleared the environment of what it sent
    away: nobody adopts that, nothing names its run. The recording goes on; it is left, and only it."""
    does = "sent_away(); kill(nursery, supervisor); wait()"
    play = Play(folder=folder, tricks={"a": Trick(does=does)})
    try:
        play.run()
        left = play.survivors()
    finally:
        play.end()
    figure(
        "P9 not promised (nursery and supervisor killed, environment cleared): survivors",
        len(left.get("a", [])),
    )
    assert folder.markers("a") == {".merge_error"}
    assert len(left["a"]) == 1


def test_p09_a_flood_is_capped(minded: Minded, figure: Figure, long: bool) -> None:
    """A gigabyte of output (short: 100 MB): the log stays at its cap, its end is kept."""
    size = 1 << 30 if long else 100_000_000
    script = f"head -c {size} /dev/zero | tr '\\0' 'x'; echo; echo the last line"
    result = minded.run(minded.launch(script, cap=1 << 16, limit=300), seconds=300)
    log = minded.path / "logs" / "x.log"
    figure("P9 flood: bytes written by the hook", size)
    figure("P9 flood: bytes in the log", log.stat().st_size)
    assert (result.exit, result.ended_by) == (0, "itself")
    assert log.stat().st_size < (1 << 16) + (128 << 10) + 200
    assert log.read_text().endswith("x\nthe last line\n")
