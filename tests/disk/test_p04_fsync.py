"""P4: a failed fsync is never tried again and called good: the step is done over."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import Figure
from tests.disk.aftermath import faults
from tests.disk.failing import Claims, fail_at
from tests.disk.killing import traced_points
from tests.disk.lives import TRACED, Lives, own_config
from tests.disk.points import Point
from tests.disk.syncing import redone
from tests.ezrec.station_fixture import Folder

#: how long a take is: it is synced twice while it is recorded, and once at its end
SECONDS = 4.4
FRAMES = 44
TAKE = "sync /REC/camera_0.mp4 in capture"


@pytest.fixture
def lives(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder)
    yield made
    made.end()


@pytest.fixture
def own(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder, config=own_config(SECONDS), fast=False)
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


@pytest.mark.timeout(3500)
def test_p04_eio_at_each_fsync_of_ezrecs_own_stages(own: Lives, long: bool, figure: Figure) -> None:
    """The same in ezrec's own capture and merge, with real ffmpeg; in the long form ENOSPC too. What is
    not footage is made over before it is synced again.
    """
    traced = [p for p in traced_points(own) if p.role == "hook" and p.site.startswith("sync ")]
    some = traced if long else [p for p in traced if not p.site.endswith("upload")]
    codes = (errno.EIO, errno.ENOSPC) if long else (errno.EIO,)
    tried = fail_at(own, [replace(point, errno=code) for code in codes for point in some])
    done = redone(own.instrument.home, own.folder.root)
    wrong = [each for each in done.wrong if "/camera_" not in each]
    figure(
        "P4 failed fsyncs of ezrec's own stages",
        f"{len(tried.came)} of {len(codes) * len(some)}, {len(wrong)} not made over, "
        f"{len(tried.faults)} faults",
    )
    assert tried.faults == []
    assert tried.never == []
    assert wrong == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_p04_a_capture_goes_on_and_says_that_its_file_is_not_safe(
    own: Lives, figure: Figure, code: int
) -> None:
    """The first fsync of a running take fails: the camera records to the end, what comes later is
    synced, and that the file is not safe is said once in the daemon's log, is in `recording.json`, and
    is why the capture did not simply finish.
    """
    own.instrument.aim([Point(role="hook", site=TAKE, nth=1, recording=TRACED, errno=code)])
    claims = Claims(own, [TRACED])
    own.begin([TRACED])
    own.live([TRACED], meanwhile=claims.look)
    own.stop()
    (camera,) = document(own)["capture"]["cameras"].values()
    (ended,) = [
        line for line in own.folder.journal(TRACED, "ended") if line.get("stage") == "capture"
    ]
    told = f"camera_0.mp4 could not be brought to the disk: {os.strerror(code)}"
    lines = [line for line in own.log.splitlines() if told in line]
    data = map(json.loads, (own.instrument.home / "data").read_bytes().splitlines())
    takes = [row for row in data if row[1] == "hook" and row[3].endswith("camera_0.mp4")]
    calls = [call for _, _, call, *_ in takes if call.endswith("sync")]
    figure(
        f"P4 a take that can't be synced ({errno.errorcode[code]})",
        f"{camera['frames']} of {FRAMES} frames recorded, said in {len(lines)} line, "
        f"{calls.count('sync')} good syncs after it",
    )
    assert claims.lies + faults(own, [TRACED]) == []
    assert camera == {
        "files": ["camera_0.mp4"],
        "frames": FRAMES,
        "seconds": SECONDS,
        "unsynced": told,
    }
    assert (ended["result"], ended["exit"]) == ("salvaged", 1)
    assert f"camera 0: {told}" in ended["notes"] and told in ended["reason"]
    assert len(lines) == 1
    assert calls[:3] == ["failed sync", "sync", "sync"]


def document(own: Lives) -> dict[str, Any]:
    found = json.loads((own.folder.root / TRACED / "recording.json").read_bytes())
    assert isinstance(found, dict)
    return found
