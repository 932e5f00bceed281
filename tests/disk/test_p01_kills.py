"""P1: a KILL at every call on the disk, in every process, loses nothing and does nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Figure
from tests.disk.killing import is_read, kill_at, one_of_each, traced_points
from tests.disk.lives import Lives
from tests.disk.points import Point
from tests.ezrec.station_fixture import Folder


@pytest.fixture
def lives(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder)
    yield made
    made.end()


PARTS: dict[str, Callable[[Point], bool]] = {
    "daemon, changes": lambda point: point.role == "daemon" and not is_read(point),
    "daemon, reads": lambda point: point.role == "daemon" and is_read(point),
    "supervisor": lambda point: point.role == "supervisor",
    "hook": lambda point: point.role == "hook",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.timeout(3000)
def test_p01_a_kill_at_every_call(lives: Lives, long: bool, figure: Figure, part: str) -> None:
    """Capture, merge and ezrec's own upload, killed at each call that a traced life made; then, with
    the daemon started again, completed: footage whole, one object, one story in the journal.

    The short form takes one call of each site.
    """
    traced = [point for point in traced_points(lives) if PARTS[part](point)]
    points = traced if long else one_of_each(traced)
    tried = kill_at(lives, points)
    figure(
        f"P1 killed at ({part})",
        f"{len(tried.came)} of {len(points)} points, {len(traced)} calls in the traced life, "
        f"{tried.again} tried again, {len(tried.faults)} faults",
    )
    assert tried.faults == []
    assert tried.never == []
