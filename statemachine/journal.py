"""The journal of one recording: append only, a checksum and a number on each line.

It holds history and counts, never the state. A line is `crc32 json\\n`, at most 4 KiB, one O_APPEND
write. A torn tail is closed with a newline by the next writer, a line that does not check is skipped.
Each line names the directory it was written in (its inode, and the root's id: a device number changes
when disks are found in another order at boot). In a copied directory the old lines are history only.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ezrec.statemachine import calls, files, parsing
from ezrec.statemachine.clock import Clock

DIRECTORY = "logs"
NAME = "journal"
LINE_LIMIT = 4096
_READ_LIMIT = 8 << 20
_TAIL = 2 * LINE_LIMIT
_AWAITED = "awaited"
_LONGEST_ESCAPE = 12
_LOCK_PATIENCE = 1.0
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
    if len(text) * _LONGEST_ESCAPE <= limit:
        return text
    kept = text[:limit]
    while len(json.dumps(kept)) > limit + 2:
        kept = kept[: len(kept) * 3 // 4]
    return text if kept == text else kept[:-1] + "…"


def decode(data: bytes) -> list[dict[str, Any]]:
    """Every whole line, in the order of the file; what is torn or flipped is left out."""
    return [record for line in _likely(data) for record in _records(line)]


def _likely(data: bytes) -> Iterator[bytes]:
    """The lines in which one of ours may stand: millions of others cost next to nothing."""
    end = -1
    for match in _START.finditer(data):
        if match.start() > end:
            begin = data.rfind(b"\n", 0, match.start()) + 1
            end = data.find(b"\n", match.start())
            end = len(data) if end < 0 else end
            yield data[begin:end]


def damaged(data: bytes) -> int:
    """How many lines hold nothing that checks; what a cut at the beginning left is not counted."""
    lines = data.split(b"\n")
    lines = lines[1:] if len(data) >= _READ_LIMIT else lines
    return sum(1 for line in lines if line and not _records(line))


def is_torn(data: bytes) -> bool:
    """Whether the last line has no end."""
    return bool(data) and not data.endswith(b"\n")


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
        record = parsing.parse(body)
    except ValueError:
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
        return decode(self.content())

    def content(self) -> bytes:
        """Its bytes, or of a very long one its end; empty where there is none. Raises OSError."""
        try:
            with files.directory(DIRECTORY, self._fd) as logs:
                return _content(logs)
        except FileNotFoundError:
            return b""

    def close_tail(self) -> None:
        """End a torn last line, durably; what it holds stays there."""
        with (
            files.directory(DIRECTORY, self._fd) as logs,
            files.open_plain(logs, NAME, os.O_RDWR | os.O_APPEND) as fd,
        ):
            _lock(fd)
            if is_torn(files.read_end(fd, _TAIL)):
                files.write_all(fd, b"\n")
                files.sync(fd)

    def make_room(self) -> None:
        """Make the journal's directory, if it is not there. Not synced: for who syncs the recording next."""
        files.make_directory(self._fd, DIRECTORY, durable=False)

    def append(self, kind: str, *, durable: bool, **fields: Any) -> None:
        """Add a line; `durable` waits until it is on the disk, with all that was added before it.
        Raises OSError: nothing was promised."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with self._logs() as logs, files.open_plain(logs, NAME, flags) as fd:
            _lock(fd)
            tail = files.read_end(fd, _TAIL)
            before = decode(tail)
            awaited = {_AWAITED: True} if durable else {}
            line = self._next(tail, before, {"kind": kind, **fields, **awaited})
            with _taken_back(fd):
                files.write_all(fd, line)
                if durable:
                    files.sync(fd)
                if durable and not self._is_rooted(before):
                    files.sync(logs)

    def continuation(self, tail: bytes, record: Line) -> bytes:
        """What `append` writes where the file ends with `tail`."""
        return self._next(tail, decode(tail[-_TAIL:]), record)

    def _next(self, tail: bytes, before: list[dict[str, Any]], record: Line) -> bytes:
        number = 1 + max(map(_number, before), default=0)
        close = b"\n" if is_torn(tail) else b""
        return close + encode({**record, **self._stamp(number)})

    @contextmanager
    def _logs(self) -> Iterator[int]:
        try:
            logs = files.open_directory(DIRECTORY, self._fd)
        except FileNotFoundError:
            files.make_directory(self._fd, DIRECTORY)
            logs = files.open_directory(DIRECTORY, self._fd)
        try:
            yield logs
        finally:
            files.close(logs)

    def _is_rooted(self, before: list[dict[str, Any]]) -> bool:
        """Whether a durable line was added here before: then the journal's name is durable."""
        here = (line for line in before if line.get("dir") == self._place)
        return any(line.get(_AWAITED) is True for line in here)

    def _stamp(self, number: int) -> Line:
        order = {"seq": number, "boot": self._clock.boot(), "up": round(self._clock.seconds(), 3)}
        when = self._clock.wall().isoformat(timespec="milliseconds")
        return {**order, "at": when, "dir": self._place}


def _lock(fd: int) -> None:
    """Whoever can read the journal can lock it, a hook too: it is not waited for as long as it likes."""
    deadline = time.monotonic() + _LOCK_PATIENCE
    while not files.try_lock(fd):
        if time.monotonic() > deadline:
            raise OSError(errno.EAGAIN, "somebody has locked it", NAME)
        time.sleep(0.005)


@contextmanager
def _taken_back(fd: int) -> Iterator[None]:
    """A line that is not known to be on the disk, or whose file is not, must not be read as if it were: it is
    written anew by whoever does the step over. Where even that fails, the next writer closes what is torn."""
    size = os.fstat(fd).st_size
    try:
        yield
    except OSError:
        with suppress(OSError):
            files.shorten(fd, size)
        raise


def _number(line: Line) -> int:
    """0 of one beyond all reason: the number after it could not be read any more."""
    number: int = line.get("seq", 0)
    return number if parsing.is_count(number) else 0


def _content(logs: int) -> bytes:
    """The file, or of a very long one its end."""
    with files.open_plain(logs, NAME, os.O_RDONLY) as fd:
        return files.read_end(fd, _READ_LIMIT)


def linked_content(logs: int) -> bytes:
    """What the journal in the open `logs` holds, however many links it has; empty where it is no file."""
    try:
        if not stat.S_ISREG(calls.status(logs, NAME).st_mode):
            return b""
    except FileNotFoundError:
        return b""
    fd = calls.open_file(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, logs)
    try:
        return files.read_end(fd, _READ_LIMIT)
    finally:
        files.close(fd)
