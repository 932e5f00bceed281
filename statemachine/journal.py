"""The journal of one recording: append only, a checksum and a number on each line.

It holds history and counts, never the state. A line is `crc32 json\\n`, at most 4 KiB, one O_APPEND
write. A torn tail is closed with a newline by the next writer, a line that does not check is skipped.
Each line names the directory it was written in (its inode, and the root's id: a device number changes
when disks are found in another order at boot). In a copied directory the old lines are history only.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from typing import Any

from ezrec.statemachine import files
from ezrec.statemachine.clock import Clock

DIRECTORY = "logs"
NAME = "journal"
LINE_LIMIT = 4096
_READ_LIMIT = 8 << 20
_TAIL = 2 * LINE_LIMIT
_START = re.compile(rb"[0-9a-f]{8} \{")

Line = Mapping[str, Any]


def encode(record: Line) -> bytes:
    """One line of the journal. Texts are cut until it fits; keys and numbers are kept."""
    for limit in (4096, 1024, 256, 64):
        body = json.dumps(_shortened(record, limit), ensure_ascii=True, separators=(",", ":"))
        line = f"{zlib.crc32(body.encode()):08x} {body}\n".encode()
        if len(line) <= LINE_LIMIT:
            return line
    raise ValueError("a journal line has too many fields")


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _cut(value, limit)
    if isinstance(value, Mapping):
        return {key: _shortened(each, limit) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(each, limit) for each in value[:16]]
    return value


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes of `text` as JSON escapes it: an emoji takes twelve."""
    kept = text[:limit]
    while len(json.dumps(kept)) > limit + 2:
        kept = kept[: len(kept) * 3 // 4]
    return text if kept == text else kept[:-1] + "…"


def decode(data: bytes) -> list[dict[str, Any]]:
    """Every whole line, in the order of the file; what is torn or flipped is left out."""
    return [record for line in data.split(b"\n") for record in _records(line)]


def _records(line: bytes) -> list[dict[str, Any]]:
    """The record of a line; of two lines that a flipped line end has joined, each that is whole."""
    record = _decoded(line)
    if record is not None:
        return [record]
    if len(line) > 2 * LINE_LIMIT + 1:
        return []  # nothing that two of our lines could have made
    starts = [match.start() for match in _START.finditer(line, 1)]
    parts = (part for start in starts for part in (line[: start - 1], line[start:]))
    return [record for part in parts if (record := _decoded(part)) is not None]


def _decoded(line: bytes) -> dict[str, Any] | None:
    checksum, _, body = line.partition(b" ")
    try:
        if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(body):
            return None
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("kind"), str) else None


class Journal:
    """The journal in the recording directory `fd`; an flock on the file itself keeps writers apart."""

    def __init__(self, fd: int, root_id: str, clock: Clock) -> None:
        self._fd = fd
        self._clock = clock
        self._place = f"{os.fstat(fd).st_ino}@{root_id[:8]}"

    def read(self) -> list[dict[str, Any]]:
        """The lines written in this very directory."""
        return [line for line in self.read_any() if line.get("dir") == self._place]

    def read_any(self) -> list[dict[str, Any]]:
        """All lines, also those that came with a copy. Raises OSError (not a file, not readable)."""
        try:
            with files.directory(DIRECTORY, self._fd) as logs:
                return decode(_content(logs))
        except FileNotFoundError:
            return []

    def append(self, kind: str, *, durable: bool, **fields: Any) -> None:
        """Add a line; `durable` waits until it is on the disk. Raises OSError: nothing was promised."""
        files.make_directory(self._fd, DIRECTORY)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with files.directory(DIRECTORY, self._fd) as logs:
            with files.open_plain(logs, NAME, flags) as fd:
                files.lock(fd)
                size = os.fstat(fd).st_size
                try:
                    self._write(fd, {"kind": kind, **fields})
                    if durable:
                        files.sync(fd)
                except OSError:
                    _take_back(fd, size)
                    raise
            if size == 0 and durable:
                files.sync(logs)

    def _write(self, fd: int, record: Line) -> None:
        before = files.read_end(fd, _TAIL)
        number = 1 + max((_number(line) for line in decode(before)), default=0)
        close = b"" if before.endswith(b"\n") or not before else b"\n"
        files.write_all(fd, close + encode({**record, **self._stamp(number)}))

    def _stamp(self, number: int) -> Line:
        order = {"seq": number, "boot": self._clock.boot(), "up": round(self._clock.seconds(), 3)}
        when = self._clock.wall().isoformat(timespec="milliseconds")
        return {**order, "at": when, "dir": self._place}


def _take_back(fd: int, size: int) -> None:
    """A line that is not known to be on the disk must not be read as if it were: it is written anew
    by whoever does the step over. Where even that fails, the next writer closes what is torn."""
    try:
        files.shorten(fd, size)
    except OSError:
        return


def _number(line: Line) -> int:
    number = line.get("seq")
    return number if isinstance(number, int) else 0


def _content(logs: int) -> bytes:
    """The file, or of a very long one its end."""
    with files.open_plain(logs, NAME, os.O_RDONLY) as fd:
        return files.read_end(fd, _READ_LIMIT)
