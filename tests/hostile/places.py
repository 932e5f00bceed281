"""What may stand in the place of a file that ezrec reads or writes, and the places where it may stand."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARKERS = (".lock", ".done", ".merged", ".merge_error", ".completed", ".error", ".hold")
#: in a recording; "" is the recording's directory itself
OF_THE_ENGINE = (
    "",
    *MARKERS,
    *("logs", "logs/journal", "logs/.progress", "logs/merge.log", "logs/upload.log"),
    *("logs/merge.log.1", ".ezrec-poke-1", "logs/.run-00000000000000000000000000000000"),
)
#: in a recording, and by ARCHIVE/ in the archive, where ezrec's own hooks work
OF_THE_STAGES = (
    *("recording.json", ".recording.json.partial", "receipt.json", ".receipt.json.partial"),
    *("camera_0.mp4", "camera_1.mp4", "merged.mp4", "merged.mp4.partial", "logs", "logs/merge.log"),
    *("ARCHIVE/ID.mp4", "ARCHIVE/ID.mp4.partial-0123abcd"),
)
#: below the root
OF_THE_ROOT = (
    *(".ezrec", ".ezrec/tells", ".ezrec/tells/0123abcd", ".ezrec/daemon.json", ".ezrec/canary"),
    *(".ezrec/.daemon.json.partial", "2026-11-23"),
)


def link_to_a_file(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "secret")


def link_to_a_directory(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "like-a-recording")


def link_to_what_could_be_made(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "absent")


def hard_link(path: Path, outside: Path) -> None:
    path.hardlink_to(outside / "hard")


def fifo(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def socket(path: Path, outside: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def device(path: Path, outside: Path) -> None:
    """Endless zeros. Who may not make a device gets a link to one."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")


def directory(path: Path, outside: Path) -> None:
    path.mkdir()
    (path / "camera_0.mp4").write_bytes(b"somebody's")


Kind = Callable[[Path, Path], None]
KINDS: tuple[Kind, ...] = (
    link_to_a_file,
    link_to_a_directory,
    link_to_what_could_be_made,
    hard_link,
    fifo,
    socket,
    device,
    directory,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of thing in one place."""

    place: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind.__name__} as {self.place or 'the recording'}"


def cells(places: tuple[str, ...], most: int | None) -> list[Cell]:
    """Every kind in every place; with `most`, a link in each place and some of the rest, by a fixed seed."""
    every = [Cell(place, kind) for place in places for kind in KINDS if kind in _for(place)]
    if most is None:
        return every
    first = [cell for cell in every if cell.kind is link_to_a_file]
    rest = [cell for cell in every if cell.kind is not link_to_a_file]
    return first + random.Random(20261125).sample(rest, max(0, most - len(first)))


def _for(place: str) -> tuple[Kind, ...]:
    """No directory has two names, and what should be one can be one."""
    if place in ("", ".ezrec", ".ezrec/tells", ".ezrec/canary", "2026-11-23", "logs"):
        return tuple(kind for kind in KINDS if kind not in (hard_link, directory))
    return KINDS


def put(cell: Cell, at: Path, outside: Path) -> None:
    """Put it there, in the stead of what is there."""
    at.parent.mkdir(parents=True, exist_ok=True)
    if at.is_dir() and not at.is_symlink():
        for below in sorted(at.rglob("*"), reverse=True):
            below.rmdir() if below.is_dir() and not below.is_symlink() else below.unlink()
        at.rmdir()
    elif os.path.lexists(at):
        at.unlink()
    cell.kind(at, outside)
