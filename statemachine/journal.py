"""The journal of one recording: append only, a checksum and a number on each line.

It holds history and counts, never the state. A line (`lines` has its form) is one O_APPEND write. A torn
tail is closed with a newline by the next writer, a line that does not check is skipped. Each line names
the directory it was written in (its inode, and the root's id: a device number changes when disks are found
in another order at boot). In a copied directory the old lines are history only.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ezrec.statemachine import calls, files, parsing
from ezrec.statemachine.clock import Clock
from ezrec.statemachine.lines import LINE_LIMIT, READ_LIMIT, Line, decode, encode, is_torn

__all__ = ["DIRECTORY", "LINE_LIMIT", "NAME", "Journal", "decode", "encode", "linked_content"]

DIRECTORY = "logs"
NAME = "journal"
_TAIL = 2 * LINE_LIMIT
_AWAITED = "awaited"
_LOCK_PATIENCE = 1.0


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
        """End a torn last line; what it holds stays there. Not synced: who adds the next would end it too."""
        with (
            files.directory(DIRECTORY, self._fd) as logs,
            files.open_plain(logs, NAME, os.O_RDWR | os.O_APPEND) as fd,
        ):
            _lock(fd)
            if is_torn(files.read_end(fd, _TAIL)):
                files.write_all(fd, b"\n")

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
        return files.read_end(fd, READ_LIMIT)


def linked_content(logs: int) -> bytes:
    """What the journal in the open `logs` holds, however many links it has; empty where it is no file."""
    try:
        if not stat.S_ISREG(calls.status(logs, NAME).st_mode):
            return b""
    except FileNotFoundError:
        return b""
    fd = calls.open_file(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, logs)
    try:
        return files.read_end(fd, READ_LIMIT)
    finally:
        files.close(fd)
