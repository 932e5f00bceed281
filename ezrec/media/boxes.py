"""The boxes of an MP4 file: is it whole, and how much is in its fragments?

A truncated file passes the usual probes and claims its full length; only this walk, or decoding it,
tells. It reads a few bytes for each box, never the pictures.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

#: More boxes than this at one level were not written by a recorder.
MOST_BOXES = 2_000_000


class BadBox(ValueError):
    """The bytes at this place are no box; the message is a clause that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box: its four-letter kind, and the bytes of its content from `start` up to `end`.

    `end` may lie behind the end of the file: then the box is cut off.
    """

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the top level of a file shows. `missing` is the number of bytes that are cut off."""

    boxes: tuple[Box, ...]
    missing: int
    trouble: str = ""

    def has(self, kind: bytes) -> bool:
        return any(box.kind == kind for box in self.boxes)

    @property
    def fragmented(self) -> bool:
        return self.has(b"moof")


def check_mp4(file: str | os.PathLike[str] | int) -> str | None:
    """None where the MP4 file (a path, or a descriptor) is whole; else one sentence that says why not.

    Reads headers only. An OSError from opening or reading the file is passed on.
    """
    with _opened(file) as stream:
        shape = shape_of(stream)
    if not shape.boxes or shape.trouble:
        return f"it is no MP4 file: {shape.trouble or 'it is empty'}"
    if shape.missing:
        return f"it is cut off: its last {shape.missing} bytes are missing"
    if not shape.has(b"moov"):
        return "it has no index (moov): whatever wrote it was killed"
    if not shape.has(b"mdat"):
        return "it has no pictures (mdat)"
    return None


def missing_bytes(fd: int) -> int:
    """How many bytes are cut off at the end of the open MP4 file; 0 where it is no MP4."""
    with _opened(fd) as stream:
        return shape_of(stream).missing


def shape_of(stream: BinaryIO) -> Shape:
    """Walk the top level, as far as it can be read."""
    size = stream.seek(0, io.SEEK_END)
    found: list[Box] = []
    try:
        for box in walk(stream, 0, size):
            found.append(box)
    except BadBox as error:
        return Shape(boxes=tuple(found), missing=0, trouble=str(error))
    missing = max(found[-1].end - size, 0) if found else 0
    return Shape(boxes=tuple(found), missing=missing)


def walk(stream: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes from `start` up to `end`, one level. Raises BadBox at the first that is none."""
    for _ in range(MOST_BOXES):
        if start >= end:
            return
        box = _box_at(stream, start, end)
        yield box
        start = box.end
    raise BadBox("it has too many boxes")


def _box_at(stream: BinaryIO, start: int, end: int) -> Box:
    stream.seek(start)
    head = stream.read(16)
    if len(head) < 8:
        raise BadBox(f"{len(head)} odd bytes at {start}")
    size, kind = struct.unpack_from(">I4s", head)
    content = 8
    if size == 1 and len(head) == 16:
        size, content = struct.unpack_from(">Q", head, 8)[0], 16
    if size == 0:
        size = end - start
    if size < content or not kind.isascii():
        raise BadBox(f"no box at byte {start}")
    return Box(kind=kind, start=start + content, end=start + size)


def _opened(file: str | os.PathLike[str] | int) -> BinaryIO:
    if isinstance(file, int):
        return os.fdopen(os.dup(file), "rb")
    return Path(file).open("rb")
