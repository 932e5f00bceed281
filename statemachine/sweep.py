"""The engine's own scan, in slices: which directories have changed since the last one, which are gone.

A stat for each directory and a listing of none. Nothing else waits for the end of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice

from ezrec.statemachine import files, names
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.root import Root

#: the token of a directory that changed a moment ago: it is looked at again by the next sweep
FRESH = -1
#: a change within the same tick of the file system's clock moves no mtime; the coarsest tick is 2 s
_TICK = 2_000_000_000


class Sweep:
    """One scan. `known` are the tokens of the last one, `now` is the file system's time in nanoseconds.

    `met` are this one's tokens, `changed` are those that differ, `leased` those whose inodes were asked for.
    """

    def __init__(
        self, root: Root, known: Mapping[str, int], now: int, inodes: frozenset[int] = frozenset()
    ) -> None:
        self.met: dict[str, int] = {}
        self.changed: list[str] = []
        self.leased: list[str] = []
        self._inodes = inodes
        self._root = root
        self._known = known
        self._now = now
        self._found = _directories(root)

    def advance(self, directories: int | None = None) -> bool:
        """Look at so many more (None: at all); True when that was all. Raises OSError."""
        count = 0
        for recording, token, inode in islice(self._found, directories):
            count += 1
            if inode in self._inodes:
                self.leased.append(recording)
            if self._known.get(recording) != token:
                self.changed.append(recording)
            self.met[recording] = FRESH if abs(self._now - token) < _TICK else token
        return directories is None or count < directories

    def gone(self) -> list[str]:
        """Those of the last scan that are not there any more: a listing alone may miss one."""
        return [each for each in self._known if each not in self.met and not self._is_there(each)]

    def _is_there(self, recording: str) -> bool:
        try:
            os.close(self._root.open(recording))
        except (StateMachineError, OSError):
            return False
        return True


#: a recording's id, the mtime of its directory in nanoseconds, the number of its inode
_Directory = tuple[str, int, int]


def _directories(root: Root) -> Iterator[_Directory]:
    """Every directory that may be a recording, in no order. Through the root's descriptor: what stands at
    its path may be another one by now."""
    with files.directory(".", root.fd) as fd, os.scandir(fd) as listing:
        for entry in listing:
            if names.is_date(entry.name):
                yield from _below(fd, entry.name)
            elif names.is_name(entry.name) and entry.name not in root.reserved:
                yield from _met(entry, entry.name)


def _below(root_fd: int, date: str) -> Iterator[_Directory]:
    try:
        with files.directory(date, root_fd) as fd, os.scandir(fd) as listing:
            for entry in listing:
                if names.is_name(entry.name):
                    yield from _met(entry, f"{date}/{entry.name}")
    except OSError:
        return  # no directory, gone, or not to be listed: `ezrec status` tells of it


def _met(entry: os.DirEntry[str], recording: str) -> Iterator[_Directory]:
    try:
        if entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield recording, status.st_mtime_ns, status.st_ino
    except OSError:
        return  # gone
