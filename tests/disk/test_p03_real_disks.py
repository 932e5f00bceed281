"""P3 on real disks: one that is full (bytes, then inodes), and one that is read-only for a while."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ezrec.media.ffmpeg import find_ffmpeg
from ezrec.media.fragments import content_of
from tests.conftest import Figure
from tests.disk.aftermath import faults
from tests.disk.failing import MOST_LINES, Claims, fail_at, floods, spent
from tests.disk.killing import one_of_each, traced_points
from tests.disk.lives import CONFIG, TRACED, Lives, own_config
from tests.disk.mounts import SmallDisk
from tests.ezrec.station_fixture import Folder, make_folder
from tests.waiting import wait_until

#: how often a fault has to be met before the disk is mended
_SAID = 3


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk | None]:
    """None where mounting is not allowed: then the same errors are injected instead."""
    try:
        made = SmallDisk(tmp_path / "root")
    except PermissionError:
        (tmp_path / "root").rmdir()
        yield None
        return
    yield made
    made.end()


@pytest.fixture
def lives(tmp_path: Path, disk: SmallDisk | None) -> Iterator[Lives]:
    folder = make_folder(tmp_path)
    made = Lives(folder, config=CONFIG.replace("settle: 0.1 s", "settle: 1.5 s"))
    yield made
    made.end()
    folder.end_everything()


def injected(lives: Lives, figure: Figure, code: int, name: str) -> None:
    """What stands in for a disk that can't be mounted: its error, lasting, in every role."""
    sites = one_of_each([point for point in traced_points(lives) if point.recording])[::12]
    tried = fail_at(lives, [replace(point, errno=code, lasting=True) for point in sites])
    figure(f"P3 {name}", f"no mounting here: {errno.errorcode[code]} injected, {len(sites)} points")
    assert tried.faults == [] and tried.never == []


def through(
    lives: Lives, figure: Figure, name: str, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Four recordings that meet the fault in the middle of their lives, and one after it."""
    names = [f"r{number:04}" for number in range(1, 5)]
    claims = Claims(lives, names)
    lives.instrument.disarm()
    daemon = lives.keep()
    wait_until(lambda: daemon.said("watching"), 30)
    lives.begin(names)
    begin()
    lives.live(names, until=lambda: len(said(lives)) >= _SAID, meanwhile=claims.look)
    assert lives.keep() is daemon
    end()
    lives.live(names, meanwhile=claims.look)
    lives.begin(["r0009"])
    lives.live(["r0009"], meanwhile=claims.look)
    lives.stop()
    all_names = [*names, "r0009"]
    found = [*claims.lies, *faults(lives, all_names), *floods(lives.log), *spent(lives, all_names)]
    figure(f"P3 {name}", f"5 recordings, said {len(said(lives))} times, {len(found)} faults")
    assert found == []
    assert len(said(lives)) <= MOST_LINES * len(names)


def said(lives: Lives) -> list[str]:
    """The lines that tell of the disk, or of a hook that it did not let work."""
    words = ("No space left", "Read-only file system", "postponed")
    return [line for line in lives.log.splitlines() if any(word in line for word in words)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_p03_a_full_disk(lives: Lives, disk: SmallDisk | None, figure: Figure, what: str) -> None:
    """A real tmpfs without a byte, then without an inode: said, nothing claimed, no error marker;
    with room again, all goes on by itself.
    """
    if disk is None:
        injected(lives, figure, errno.ENOSPC, f"full disk ({what})")
        return
    fill = disk.fill if what == "bytes" else disk.fill_inodes
    through(lives, figure, f"full disk ({what})", fill, disk.empty)


@pytest.mark.timeout(300)
def test_p03_a_disk_that_is_read_only_for_a_while(
    lives: Lives, disk: SmallDisk | None, figure: Figure
) -> None:
    """Remounted read-only under a running daemon, and back."""
    if disk is None:
        injected(lives, figure, errno.EROFS, "read-only disk")
        return
    through(lives, figure, "read-only disk", disk.read_only, disk.writable)


#: Stands in for a disk that fills up, where nothing can be mounted: a camera's ffmpeg that is ended in
#: the middle and says what the real one says then.
_FULL = """\
#!/bin/sh
case "$*" in *lavfi*) ;; *) exec "{ffmpeg}" "$@" ;; esac
"{ffmpeg}" "$@" & camera=$!
while [ ! -e "{site}/fills" ]; do sleep 0.05; done
kill -INT $camera; wait
echo "av_interleaved_write_frame(): No space left on device" >&2; exit 1
"""


@pytest.mark.timeout(300)
def test_p03_a_disk_that_fills_up_while_it_is_recorded_on(
    tmp_path: Path, disk: SmallDisk | None, figure: Figure
) -> None:
    """ezrec's own capture: what was recorded until then is kept and can be played, one line says why it
    ended; `touch .done`, as that line advises, merges and uploads it when there is room again.
    """
    folder = make_folder(tmp_path)
    lives = Lives(folder, config=own_config(60), fast=False)
    take = folder.root / TRACED / "camera_0.mp4"
    if disk is None:
        _stand_in(folder)
    lives.instrument.disarm()
    try:
        lives.begin([TRACED])
        lives.live([TRACED], until=lambda: _frames(take) >= 10)
        disk.fill() if disk else (tmp_path / "fills").touch()
        lives.live([TRACED], until=lambda: bool(said(lives)) or ".error" in folder.markers(TRACED))
        if disk:
            disk.empty()
        lives.live([TRACED], until=lambda: folder.markers(TRACED) == {".error"})
        kept = take.read_bytes()
        (folder.root / TRACED / ".done").touch()
        lives.live([TRACED])
        lives.stop()
    finally:
        lives.end()
        folder.end_everything()
    told = [line for line in lives.log.splitlines() if "is full; what was recorded" in line]
    (camera,) = _document(folder.root / TRACED)["merge"]["cameras"].values()
    frames = content_of(io.BytesIO(kept)).frames
    how = "" if disk else " (no mounting here: an ffmpeg that says so)"
    figure(f"P3 full while recording{how}", f"{frames} frames kept, said in {len(told)} line")
    assert take.read_bytes() == kept
    assert camera["frames"] >= frames >= 10
    assert len(told) == 1, lives.log
    assert floods(lives.log) == []


def _stand_in(folder: Folder) -> None:
    place = folder.site / "bin"
    place.mkdir()
    (place / "ffmpeg").write_text(_FULL.format(ffmpeg=find_ffmpeg(), site=folder.site))
    (place / "ffmpeg").chmod(0o755)
    folder.environment["PATH"] = f"{place}:{os.environ['PATH']}"


def _frames(take: Path) -> int:
    return content_of(io.BytesIO(take.read_bytes())).frames if take.exists() else 0


def _document(place: Path) -> dict[str, Any]:
    found = json.loads((place / "recording.json").read_bytes())
    assert isinstance(found, dict)
    return found
