"""Recordings that lie one level too deep, in another one's directory, where nobody looks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ezrec.statemachine import files, journal
from ezrec.statemachine.lifecycle import LOCK, Lifecycle
from ezrec.statemachine.names import free_name, quote

TOO_DEEP = "{names} in it bears a marker, one level too deep: it is never looked at there"


def nested(lifecycle: Lifecycle, fd: int) -> list[str]:
    """The directories in the recording `fd` in which a marker or a journal stands."""
    found = []
    for name, status in sorted(files.entries(fd), key=lambda entry: entry[0]):
        visible = name != journal.DIRECTORY and not name.startswith(".")
        if visible and stat.S_ISDIR(status.st_mode) and _is_recording(lifecycle, fd, name):
            found.append(name)
    return found


def _is_recording(lifecycle: Lifecycle, fd: int, name: str) -> bool:
    try:
        with files.directory(name, fd) as below:
            return not {LOCK, *lifecycle.markers}.isdisjoint(files.names(below))
    except OSError:
        return False  # it is not ours to judge


def mend_nested(root: Path, recording: str, name: str) -> str:
    """The command that moves the directory `name` out of the recording, to beside it."""
    place = root / recording
    free = free_name(name, set(os.listdir(place.parent)))
    return f"mv -nT -- {quote(str(place / name))} {quote(str(place.parent / free))}"
