"""How many frames and seconds lie in a fragmented MP4, from its boxes alone.

Cheap where a probe would read gigabytes: a camera that restarts must not wait for that. Only whole
fragments count. Pure: a stream in, numbers out. ISO/IEC 14496-12 has the layout.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from ezrec.media.boxes import BadBox, Box, shape_of, walk

_DEFAULT_DURATION, _BASE_OFFSET, _DESCRIPTION = 0x8, 0x1, 0x2
_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_COLUMNS = (0x100, 0x200, 0x400, 0x800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What can be played of a file."""

    frames: int = 0
    seconds: float = 0.0


def content_of(stream: BinaryIO) -> Content:
    """The frames and seconds of the first track in whole fragments; nothing where it can't be told."""
    try:
        return _content(stream)
    except (BadBox, struct.error, KeyError, ZeroDivisionError):
        return Content()


def _content(stream: BinaryIO) -> Content:
    size = stream.seek(0, io.SEEK_END)
    top = [box for box in shape_of(stream).boxes if box.end <= size]
    index = next((box for box in top if box.kind == b"moov"), None)
    if index is None:
        return Content()
    scale, usual = _timescale(stream, index), _usual_duration(stream, index)
    frames = ticks = 0
    for box, following in pairwise(top):
        if box.kind == b"moof" and following.kind == b"mdat":
            count, duration = _fragment(stream, box, usual)
            frames, ticks = frames + count, ticks + duration
    return Content(frames=frames, seconds=ticks / scale)


def _timescale(stream: BinaryIO, index: Box) -> int:
    header = _inner(stream, index, b"trak", b"mdia", b"mdhd")
    data = _bytes(stream, header)
    return int(struct.unpack_from(">I", data, 20 if data[0] == 1 else 12)[0])


def _usual_duration(stream: BinaryIO, index: Box) -> int:
    return int(
        struct.unpack_from(">I", _bytes(stream, _inner(stream, index, b"mvex", b"trex")), 12)[0]
    )


def _fragment(stream: BinaryIO, fragment: Box, usual: int) -> tuple[int, int]:
    """(frames, ticks) of the first track in one moof."""
    track = _inner(stream, fragment, b"traf")
    usual = _track_duration(_bytes(stream, _inner(stream, track, b"tfhd")), usual)
    runs = [box for box in walk(stream, track.start, track.end) if box.kind == b"trun"]
    counted = [_run(_bytes(stream, run), usual) for run in runs]
    return sum(frames for frames, _ in counted), sum(ticks for _, ticks in counted)


def _track_duration(header: bytes, usual: int) -> int:
    flags = int.from_bytes(header[1:4], "big")
    if not flags & _DEFAULT_DURATION:
        return usual
    at = 8 + (8 if flags & _BASE_OFFSET else 0) + (4 if flags & _DESCRIPTION else 0)
    return int(struct.unpack_from(">I", header, at)[0])


def _run(data: bytes, usual: int) -> tuple[int, int]:
    flags = int.from_bytes(data[1:4], "big")
    count = int(struct.unpack_from(">I", data, 4)[0])
    if not flags & _COLUMNS[0]:
        return count, count * usual
    first = 8 + (4 if flags & _DATA_OFFSET else 0) + (4 if flags & _FIRST_FLAGS else 0)
    row = 4 * sum(bool(flags & column) for column in _COLUMNS)
    if first + row * count > len(data):
        raise BadBox("a run that is longer than its box")
    return count, sum(struct.unpack_from(">I", data, first + row * i)[0] for i in range(count))


def _inner(stream: BinaryIO, box: Box, *kinds: bytes) -> Box:
    """The first box of each kind in turn, one inside the other. Raises BadBox where one is missing."""
    for kind in kinds:
        found = next((b for b in walk(stream, box.start, box.end) if b.kind == kind), None)
        if found is None:
            raise BadBox(f"no {kind.decode('ascii')}")
        box = found
    return box


def _bytes(stream: BinaryIO, box: Box, most: int = 1 << 20) -> bytes:
    stream.seek(box.start)
    data = stream.read(min(box.end - box.start, most))
    if len(data) < 4:
        raise BadBox("a box with nothing in it")
    return data
