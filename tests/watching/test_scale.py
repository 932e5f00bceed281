"""Cost grows with what is in flight, not with what is finished: counted, as times depend on the machine."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ezrec.statemachine import files
from ezrec.statemachine.calls import EVENT
from ezrec.statemachine.patrol import Patrol
from ezrec.statemachine.testing import FakeClock, ScriptedWatcher
from ezrec.statemachine.watcher import InotifyWatcher
from tests.bench.tree import finished
from tests.conftest import Figure
from tests.watching.patrolling import BUDGET, patrolled


class _Counter:
    """Counts what this process opens and lists. An audit hook stays for the life of the process."""

    def __init__(self) -> None:
        self.counts: Counter[str] | None = None
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.counts is not None and event in ("os.listdir", "os.scandir"):
            self.counts["listed"] += 1
        elif self.counts is not None and event == EVENT:
            self.counts[str(arguments[0])] += 1


_COUNTER = _Counter()


@contextmanager
def counted() -> Iterator[Counter[str]]:
    counts: Counter[str] = Counter()
    _COUNTER.counts = counts
    try:
        yield counts
    finally:
        _COUNTER.counts = None


def look_at_all(patrol: Patrol) -> list[str]:
    """The start: until everything has been looked at. What is to be acted on."""
    found = patrol.begin(lambda _id: None)
    while not patrol.has_looked():
        found += patrol.round()[0]
    return found


def idle_hour(patrol: Patrol, clock: FakeClock) -> None:
    """Sixty scans."""
    for _ in range(60):
        clock.advance(60.0)
        while patrol.next_due() <= clock.seconds():
            assert patrol.round() == ([], [])


def test_p15_an_idle_hour_opens_and_lists_nothing_that_is_finished(
    tmp_path: Path, long: bool, figure: Figure
) -> None:
    """Ten times the finished recordings, the same number of calls: a scan is one stat for each."""
    few, many = (1_000, 10_000) if long else (30, 300)
    told = {}
    for number in (few, many):
        finished(tmp_path / str(number), number, dates=False)
        with patrolled(tmp_path / str(number), ScriptedWatcher) as (patrol, clock):
            assert look_at_all(patrol) == []
            with counted() as counts:
                idle_hour(patrol, clock)
            told[number] = counts
    assert told[few] == told[many]
    assert told[few]["listed"] == 60  # the root, at each scan
    figure(f"P15 an idle hour, calls beside {few} and {many} finished", dict(told[many]))


def test_p15_a_start_lists_each_finished_recording_once(
    tmp_path: Path, long: bool, figure: Figure
) -> None:
    """One open and one listing for each: no journal is read, nothing is written, no lease is taken."""
    number = 10_000 if long else 300
    finished(tmp_path / "root", number, dates=True)
    with patrolled(tmp_path / "root", ScriptedWatcher) as (patrol, _), counted() as counts:
        assert look_at_all(patrol) == []
    dates = len([each for each in os.listdir(tmp_path / "root") if each[:2] == "20"])
    assert counts["names"] == number
    assert counts["open"] == 2 * number + 1 + dates  # a date and a recording; the scan's own
    assert set(counts) == {"open", "names", "listed"}
    figure(f"P15 a start beside {number} finished", dict(counts))


def test_p15_what_is_in_flight_is_found_before_what_is_finished_is_listed(
    tmp_path: Path, figure: Figure
) -> None:
    """The newest are listed first: a drop is acted on before the most have been looked at."""
    finished(tmp_path / "root", 300, dates=False)
    (tmp_path / "root" / "a-new").mkdir()
    (tmp_path / "root" / "a-new" / ".done").touch()
    with patrolled(tmp_path / "root", ScriptedWatcher) as (patrol, _), counted() as counts:
        found = patrol.begin(lambda _id: None)
    assert found == ["a-new"]
    assert counts["names"] <= 200
    figure("P15 listed before the first action, of 301", counts["names"])


def test_p15_watches_do_not_grow_with_what_is_finished(tmp_path: Path, figure: Figure) -> None:
    """Beyond the budget finished recordings are left to the scan; what is in flight is watched."""
    ids = finished(tmp_path / "root", 100, dates=False)
    (tmp_path / "root" / "new").mkdir()
    with patrolled(tmp_path / "root", InotifyWatcher) as (patrol, _):
        assert look_at_all(patrol) == ["new"]
        watcher = patrol._watcher
        watched = [each for each in ids if watcher.follow(each, needed=False)]
        assert watcher.follow("new", needed=False)
    assert len(watched) <= BUDGET
    figure("P15 watched of 100 finished, budget 40", len(watched))


def test_p15_the_kernel_tells_who_works_where(tmp_path: Path) -> None:
    """A leased recording comes first, whatever its age, without a listing of the others."""
    ids = finished(tmp_path / "root", 300, dates=True)
    place = tmp_path / "root" / ids[150]
    os.utime(place, (1, 1))
    with (
        files.directory(place) as lease,
        patrolled(tmp_path / "root", ScriptedWatcher) as (patrol, _),
        counted() as counts,
    ):
        assert files.try_lock(lease)
        assert patrol.begin(lambda _id: None) == [ids[150]]
    assert counts["names"] <= 200


def test_where_the_kernel_does_not_tell_all_is_listed_before_anything_is_begun(
    tmp_path: Path,
) -> None:
    """Its table lacks even our own lock: then the locked ones come first, of all."""
    ids = finished(tmp_path / "root", 300, dates=False)
    (tmp_path / "root" / ids[7] / ".lock").touch()
    os.utime(tmp_path / "root" / ids[7], (1, 1))
    (tmp_path / "root" / "new").mkdir()
    with patrolled(tmp_path / "root", ScriptedWatcher) as (patrol, _):
        files.unlock(patrol._scene.root.fd)
        assert patrol.begin(lambda _id: None) == [ids[7], "new"]
        assert patrol.has_looked()
