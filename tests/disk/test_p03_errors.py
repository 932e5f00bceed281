"""P3: an error of the disk, at each call: nothing is claimed that isn't there, and all resumes by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import Figure
from tests.disk.failing import fail_at
from tests.disk.killing import one_of_each, traced_points
from tests.disk.lives import Lives
from tests.ezrec.station_fixture import Folder

CODES = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EMFILE)
NAMES = ", ".join(errno.errorcode[code] for code in CODES)


@pytest.fixture
def lives(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder)
    yield made
    made.end()


@pytest.mark.timeout(3500)
@pytest.mark.parametrize("role", ["daemon", "supervisor", "hook"])
def test_p03_an_error_at_each_call(lives: Lives, long: bool, figure: Figure, role: str) -> None:
    """Once, at each call of a traced life, each of the errors: no marker lies at any moment, none
    ends in an error (50 attempts are allowed), no traceback and no flood, and all are
    completed by themselves.

    The short form takes every third site, with the errors in turn.
    """
    traced = [point for point in traced_points(lives) if point.role == role]
    if long:
        points = [replace(point, errno=code) for code in CODES for point in traced]
    else:
        some = one_of_each(traced)[::3]
        points = [replace(point, errno=CODES[n % len(CODES)]) for n, point in enumerate(some)]
    tried = fail_at(lives, points)
    figure(
        f"P3 failed once ({role})",
        f"{len(tried.came)} of {len(points)} points ({NAMES}), {len(traced)} calls in the traced "
        f"life, {tried.again} tried again, {len(tried.faults)} advances on a lie or other faults",
    )
    assert tried.faults == []
    assert tried.never == []


@pytest.mark.timeout(3500)
@pytest.mark.parametrize("role", ["daemon", "supervisor", "hook"])
def test_p03_a_fault_that_lasts(lives: Lives, long: bool, figure: Figure, role: str) -> None:
    """From a call on, every call that such a disk fails, fails; until it is mended. The log tells of each
    that holds its recording up, in the words of the fault, and not in hundreds of lines.

    The short form takes some sites, with the errors in turn.
    """
    found = [point for point in traced_points(lives) if point.role == role and point.recording]
    sites = one_of_each(found)
    if long:
        points = [replace(point, errno=code, lasting=True) for code in CODES for point in sites]
    else:
        some = sites[:: max(1, len(sites) // 6)]
        codes = [CODES[n % len(CODES)] for n in range(len(some))]
        points = [replace(p, errno=c, lasting=True) for p, c in zip(some, codes, strict=True)]
    tried = fail_at(lives, points)
    figure(
        f"P3 failed until mended ({role})",
        f"{len(tried.came)} of {len(points)} points ({NAMES}), {tried.again} tried again; "
        f"{len(tried.told)} held up, told in {min(tried.told)} to {max(tried.told)} lines each, "
        f"{len(tried.faults)} faults",
    )
    assert tried.faults == []
    assert tried.never == []
