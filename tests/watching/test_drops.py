"""Drops are noticed whatever the watcher sees, and a blind watcher is noticed too. The real daemon."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.root import Root, make_root
from ezrec.status import daemon_of
from tests.conftest import Figure
from tests.ezrec.station_fixture import Daemon, Folder
from tests.waiting import wait_until
from tests.watching.blindness import (
    Blindness,
    DeadReader,
    MovedAway,
    NoWatchesLeft,
    Replaced,
    Unmounted,
    flood,
    stopped,
)
from tests.watching.drops import MARKER, Drops

#: by when a dead watcher has to be noticed (P6), and some more for what is done then on a busy machine
NOTICED = 15.0


@pytest.fixture
def number(long: bool) -> int:
    """How many drops."""
    return 1000 if long else 60


@pytest.fixture(autouse=True)
def _no_settling(folder: Folder) -> None:
    folder.configure("settle: 0 s\n")


def watching(folder: Folder) -> str | None:
    """What `ezrec status` says of the daemon's watcher; None where there is no root."""
    try:
        root = Root(folder.root)
    except RootUnusable:
        return None
    try:
        return daemon_of(root).watching
    finally:
        root.close()


def test_p05_drops_while_the_daemon_is_up(folder: Folder, number: int, figure: Figure) -> None:
    """Each is noticed by its event."""
    drops = Drops(folder, number)
    with folder.daemon():
        drops.drop()
        figure("P5 daemon up", drops.wait(busy(number)))


def test_p05_drops_while_the_daemon_is_down(folder: Folder, number: int, figure: Figure) -> None:
    """Each is found by the first scan; the time is counted from the start of the process."""
    drops = Drops(folder, number)
    drops.drop()
    begun = time.time()
    with folder.daemon():
        figure("P5 daemon down", drops.wait(busy(number), since=begun))


def test_p05_drops_while_the_daemon_starts(folder: Folder, number: int, figure: Figure) -> None:
    """From the start of the process until it says that it watches, and a few after that."""
    drops = Drops(folder, number)
    with folder.daemon(wait=False) as daemon:
        while not daemon.said("watching") and drops.left():
            drops.drop(1 + number // 60)
            daemon.process.poll()
            time.sleep(0.01)  # they are to fall all over the start
        drops.drop()
        figure("P5 daemon starting", drops.wait(busy(number)))


def test_p05_drops_by_polling(folder: Folder, number: int, figure: Figure) -> None:
    """`watch: poll`: nothing is watched, every drop is found by a scan. Not a marker is missed that
    comes in the same tick of the clock as its directory."""
    folder.configure("settle: 0 s\nwatch: poll\n")
    drops = Drops(folder, number)
    with folder.daemon():
        while drops.left():
            drops.drop(max(1, number // 20))
            time.sleep(0.2)  # over several scans
        figure("P5 watch: poll", drops.wait(busy(number)))
        assert watching(folder) == "scanning"


def test_p05_drops_behind_an_overflowed_queue(folder: Folder, number: int, figure: Figure) -> None:
    """The kernel's queue is full when they come, so that there is no event of any of them."""
    drops = Drops(folder, number)
    (folder.root / "busy").mkdir()
    with folder.daemon() as daemon:
        with stopped(daemon):
            events = flood(folder.root / "busy")
            drops.drop()
        begun = time.time()
        told = drops.wait(busy(number), since=begun)
        figure("P5 queue overflowed", f"{told}; {events} events before them")
        wait_until(lambda: daemon.said("the watcher is blind"), NOTICED)
        wait_until(lambda: watching(folder) == "inotify", NOTICED)


BLINDNESS: dict[str, type[Blindness]] = {
    "reader killed": DeadReader,
    "watches used up": NoWatchesLeft,
    "root moved away and back": MovedAway,
    "root removed and put back": Replaced,
    "root unmounted and mounted": Unmounted,
}


@pytest.mark.parametrize("way", BLINDNESS)
def test_p05_p06_a_blind_daemon_says_so_and_misses_nothing(
    folder: Folder, number: int, figure: Figure, way: str
) -> None:
    """It is noticed within 15 s, all drops are noticed, and it sees again when that is mended: what is
    dropped then does not wait for a scan."""
    blindness = BLINDNESS[way](folder)
    try:
        drops = Drops(folder, number)
        with folder.daemon(prefix=blindness.prefix) as daemon:
            blindness.blind(daemon)
            blinded = time.monotonic()
            drops.drop(number - 10, into=blindness.place)
            wait_until(lambda: says_so(folder, daemon), NOTICED + busy(number))
            seconds = time.monotonic() - blinded
            mended = time.time()
            blindness.mend(daemon)
            since = mended if blindness.is_unseen else 0.0
            told = drops.wait(busy(number), since)
            wait_until(lambda: watching(folder) == "inotify", busy())
            drops.drop()
            again = drops.wait(busy(number), since)
    finally:
        blindness.end()
    figure(f"P5 {way}", f"{told} ({blindness.told})")
    figure(f"P6 {way}", f"noticed after {seconds:.1f} s, sees again")
    assert seconds <= NOTICED
    assert again[-1] < 30


def busy(number: int = 0) -> float:
    """How many seconds it may take until so many drops are acted on, on a machine that does other things."""
    return 15 + number / 25


def says_so(folder: Folder, daemon: Daemon) -> bool:
    """`ezrec status` says that it scans; where the root is gone it is the daemon that says so."""
    if "waiting for the root" in daemon.log:
        assert "is no root" in daemon.log or "does not exist" in daemon.log
        return folder.ezrec("status", code=69).returncode == 69
    return watching(folder) == "scanning" or daemon.said(
        "watching again"
    )  # it was quicker than we are


def test_p06_another_root_in_its_place_is_left_alone(folder: Folder, figure: Figure) -> None:
    """Its id is another one: that is said, and not a byte is written into it; the right one is taken up
    when it is back."""
    away, other = folder.site / "away", folder.site / "other"
    make_root(other)
    (other / "match").mkdir()
    (other / "match" / MARKER).touch()
    before = everything_in(other)
    with folder.daemon() as daemon:
        folder.root.rename(away)
        other.rename(folder.root)
        begun = time.monotonic()
        wait_until(lambda: daemon.said("another root stands at"), NOTICED + busy())
        seconds = time.monotonic() - begun
        (away / "late").mkdir()
        (away / "late" / MARKER).touch()
        time.sleep(3)  # a blind scan's time: it is to leave the other root alone
        assert everything_in(folder.root) == before
        folder.root.rename(other)
        away.rename(folder.root)
        wait_until(lambda: daemon.said("is back"), busy())
        wait_until(lambda: folder.states("late") == ["merge_failed"], busy())
        wait_until(lambda: watching(folder) == "inotify", busy())
    figure("P6 another root in its place", f"noticed after {seconds:.1f} s, nothing written")
    assert seconds <= NOTICED


def everything_in(root: Path) -> list[tuple[str, int, int]]:
    """Each name with its inode and the time of its last change."""
    found = [(path, path.stat()) for path in sorted((root, *root.rglob("*")))]
    return [(str(path.relative_to(root)), st.st_ino, st.st_ctime_ns) for path, st in found[1:]]


def test_p06_a_root_that_another_daemon_has_is_not_taken_up(folder: Folder) -> None:
    """A copy that was put in its place, and on which somebody works already: it is waited for."""
    away, copy = folder.site / "away", folder.site / "copy"
    subprocess.run(["cp", "-a", folder.root, copy], check=True)
    with folder.daemon() as daemon:
        with taken(copy):
            folder.root.rename(away)
            copy.rename(folder.root)
            wait_until(lambda: daemon.said("another ezrec works on"), NOTICED + busy())
            assert not daemon.said("is back")
        wait_until(lambda: daemon.said("is back"), busy())


@contextmanager
def taken(root: Path) -> Iterator[None]:
    """Hold the lock of a root."""
    fd = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)
