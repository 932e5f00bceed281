"""Bringing to the disk what a run has left in a recording, before anybody claims anything of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ezrec.statemachine import calls, files
from ezrec.statemachine.files import Entry


class Safekeeping:
    """What stands in the recording `fd` when a run begins, and what is done about it at its end.

    A hook need not sync what it writes, and who dropped a file may not have.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = {name: _stamp(status) for name, status in self._visible()}

    def keep(self) -> tuple[str, tuple[str, ...]]:
        """Sync every file that may be read, and the directory: (why the run's work is not good, notes).

        What this run has made and can't be brought to the disk is made over. What was there before
        nobody here can write anew: a note says so.
        """
        problem, notes = "", []
        for name, status in self._visible():
            why = self._sync(name)
            if why and self._before.get(name) == _stamp(status):
                notes.append(f"{name} can't be brought to the disk: {why}; copy it here once more")
            elif why:
                problem = f"{name} can't be brought to the disk: {why}"
        try:
            files.sync(self._fd)
        except OSError as error:
            problem = f"the recording can't be brought to the disk: {error.strerror}"
        return problem, tuple(notes)

    def _visible(self) -> Iterator[Entry]:
        for name, status in files.entries(self._fd):
            if not name.startswith(".") and stat.S_ISREG(status.st_mode):
                yield name, status

    def _sync(self, name: str) -> str:
        """Why it failed; empty where it did not, or where there is nothing to be read."""
        try:
            fd = calls.open_file(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, self._fd)
        except (FileNotFoundError, PermissionError):
            return ""
        except OSError as error:
            return error.strerror or "unknown error"
        try:
            files.sync(fd)
        except OSError as error:
            return error.strerror or "unknown error"
        finally:
            os.close(fd)
        return ""


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns)
