"""P4: a failed fsync is never tried again and called good: the step is done over."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import Figure
from tests.disk.failing import fail_at
from tests.disk.killing import traced_points
from tests.disk.lives import Lives
from tests.disk.syncing import redone
from tests.ezrec.station_fixture import Folder


@pytest.fixture
def lives(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder)
    yield made
    made.end()


@pytest.mark.timeout(3500)
def test_p04_eio_at_each_fsync(lives: Lives, figure: Figure) -> None:
    """Every fsync of a traced life fails once with EIO, in daemon, supervisor and hook: before the same
    file is synced again it is written again; no marker lies meanwhile; all is completed. Footage can't
    be made over: that it could not be brought to the disk is told (test_safekeeping.py).
    """
    traced = [p for p in traced_points(lives) if p.site.startswith("sync ")]
    tried = fail_at(lives, [replace(point, errno=errno.EIO) for point in traced])
    done = redone(lives.instrument.home, lives.folder.root)
    wrong = [each for each in done.wrong if "/camera_" not in each]
    failed = done.files + done.directories
    share = 100 * (failed - len(wrong)) // failed
    figure(
        "P4 failed fsyncs",
        f"{len(tried.came)} of {len(traced)} in the traced life ({done.files} of files, "
        f"{done.directories} of directories), {share} % redone or told, {len(tried.faults)} faults",
    )
    assert tried.faults == []
    assert tried.never == []
    assert wrong == []
