"""A recording's directory and journal as they would become: read from the disk, changed in memory only.

What acts on these acts as on the real ones. So a dry run is the run itself, over another bottom.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ezrec.statemachine import files, journal, lines
from ezrec.statemachine.clock import Clock
from ezrec.statemachine.hooks import HookPath
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.lifecycle import LOCK, Lifecycle
from ezrec.statemachine.place import Entry, Place
from ezrec.statemachine.runs import PROGRESS, STATUS
from ezrec.statemachine.world import World

_PLAIN = os.stat_result((stat.S_IFREG | 0o644, 0, 0, 1, 0, 0, 1, 0, 0, 0))


def rehearsing(world: World) -> World:
    """The same world, in which nobody is told of anything."""
    return replace(world, hooks=HookPath(()), on_change=lambda _changed: None)


class RehearsedPlace(Place):
    """A Place whose changes are only remembered."""

    def __init__(self, fd: int, lifecycle: Lifecycle) -> None:
        super().__init__(fd, lifecycle)
        self._entries = dict(super().entries())
        self._logs = dict(super().log_entries())

    def entries(self) -> list[Entry]:
        return list(self._entries.items())

    def log_entries(self) -> list[Entry]:
        return list(self._logs.items())

    def create(self, marker: str, note: Mapping[str, Any], *, durable: bool = True) -> None:
        if marker in self._entries:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), marker)
        self._entries[marker] = _PLAIN

    def write_note(self, marker: str, note: Mapping[str, Any]) -> None:
        """It changes no name."""

    def rename(self, old: str, new: str) -> None:
        if old not in self._entries:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        if new in self._entries:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
        self._entries[new] = self._entries.pop(old)

    def remove(self, markers: list[str]) -> None:
        for marker in markers:
            self._entries.pop(marker, None)

    def remove_lock(self) -> None:
        self.remove([LOCK])

    def remove_logs(self, names: list[str]) -> None:
        for name in names:
            self._logs.pop(name, None)

    def renew_journal(self, aside: str) -> None:
        self._logs[aside] = self._logs.pop(journal.NAME)
        if stat.S_ISREG(self._logs[aside].st_mode):
            self._logs[journal.NAME] = _PLAIN

    def forget(self, run: str) -> None:
        self.remove_logs([STATUS + run, PROGRESS])

    def poke(self) -> None:
        """Nobody needs to look."""


class RehearsedJournal(Journal):
    """A Journal whose new lines are only remembered."""

    def __init__(self, fd: int, root_id: str, clock: Clock) -> None:
        super().__init__(fd, root_id, clock)
        self._bytes = _content(fd)

    def content(self) -> bytes:
        return self._bytes

    def make_room(self) -> None:
        """Its directory is as good as there."""

    def close_tail(self) -> None:
        self._bytes += b"\n" if lines.is_torn(self._bytes) else b""

    def append(self, kind: str, *, durable: bool, **fields: Any) -> None:
        self._bytes += self.continuation(self._bytes, {"kind": kind, **fields})


def _content(fd: int) -> bytes:
    """What a mended journal would hold: of one that is no file, nothing."""
    try:
        with files.directory(journal.DIRECTORY, fd) as logs:
            return journal.linked_content(logs)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return b""
