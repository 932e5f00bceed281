"""P1 with ezrec's own capture, merge and upload, and real ffmpeg: a KILL at every call of theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Figure
from tests.disk.killing import kill_at, one_of_each, traced_points
from tests.disk.lives import OWN, Lives, own_config
from tests.disk.points import Point
from tests.ezrec.station_fixture import Folder

#: two syncs of the file while it is recorded in the short form, four in the long one
SHORT, LONG = 2.2, 6.2


@pytest.fixture
def lives(folder: Folder, long: bool) -> Iterator[Lives]:
    made = Lives(folder, config=own_config(LONG if long else SHORT), fast=False)
    yield made
    made.end()


@pytest.mark.timeout(3000)
def test_p01_a_kill_at_every_call_of_ezrecs_own_stages(
    lives: Lives, long: bool, figure: Figure
) -> None:
    """A synthetic camera is recorded, merged and uploaded by ezrec's own hooks, and each call on the
    disk that they made in a traced life is killed in a life of its own: every byte that the kernel had
    of the takes at that moment is there, every whole frame of them is in `merged.mp4`, one object is
    archived, and the journal is whole.

    How often the takes are synced hangs on time: every 2 s, and once at the end. The traced life
    says how many times; of the others each meets that call again or is tried again until it does.
    The short form takes one call of each site of capture and merge, and each sync of the take.
    """
    traced = [point for point in traced_points(lives) if point.role == "hook"]
    syncs = [point for point in traced if point.site == "sync /REC/camera_0.mp4 in capture"]
    points = traced if long else sample(traced, syncs)
    tried = kill_at(lives, points)
    counted = ", ".join(f"{stage} {[*map(stage_of, traced)].count(stage)}" for stage in OWN)
    figure(
        "P1 killed at (ezrec's own capture, merge, upload)",
        f"{len(tried.came)} of {len(points)} points, {len(traced)} calls in the traced life "
        f"({counted}; {len(syncs)} syncs of the take), {tried.again} tried again, "
        f"{len(tried.faults)} faults",
    )
    assert tried.faults == []
    assert tried.never == []
    assert len(syncs) >= (4 if long else 2)
    assert set(map(stage_of, traced)) == set(OWN)


def sample(traced: list[Point], syncs: list[Point]) -> list[Point]:
    """The last sync is made when the camera has ended; the first ones while it records."""
    some = [point for point in one_of_each(traced) if stage_of(point) != "upload"]
    return [*some, *syncs[:-1]]


def stage_of(point: Point) -> str:
    return point.site.rpartition(" in ")[2]
