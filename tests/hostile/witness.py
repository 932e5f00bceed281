"""A tree outside of the root that nothing may touch, and a witness of whatever does.

The kernel itself is asked (inotify on each inode: opened, read, written, changed, made, removed), so
that neither the mount's options nor our own code have a say; and the whole tree is compared in the end.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

SECRET = b"somebody else's: canary-5c1d2e\n"
_libc = ctypes.CDLL(None, use_errno=True)
_EVENT = struct.Struct("iIII")
_KINDS = {
    0x001: "read",
    0x002: "written",
    0x004: "attributes",
    0x020: "opened",
    0x040: "moved from",
    0x080: "moved to",
    0x100: "created in",
    0x200: "deleted in",
    0x400: "deleted",
    0x800: "moved",
}
_ALL = sum(_KINDS)
_IS_DIRECTORY = 0x40000000


class Witness:
    """Watches every file and directory below `outside` from now on; `events` are what was done to them."""

    def __init__(self, outside: Path) -> None:
        self._outside = outside
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._fd >= 0
        self._before = photograph(outside)
        self._paths: dict[int, Path] = {}
        for path in (outside, *sorted(outside.rglob("*"))):
            number = _libc.inotify_add_watch(self._fd, os.fsencode(path), _ALL)
            assert number > 0, path
            self._paths[number] = path

    def close(self) -> None:
        os.close(self._fd)

    def events(self) -> list[str]:
        """What was done since the last look: `opened secret`; directories bear a slash."""
        return list(self._events())

    def changes(self) -> list[str]:
        """Which files are not what they were, by content, kind, mode and times."""
        now = photograph(self._outside)
        self.events()  # our own look
        names = self._before.keys() | now.keys()
        return sorted(name for name in names if self._before.get(name) != now.get(name))

    def _events(self) -> Iterator[str]:
        while data := self._read():
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                path = self._paths.get(number, self._outside)
                name = str(path.relative_to(self._outside)) + "/" * path.is_dir()
                if mask & _IS_DIRECTORY and not path.is_dir():
                    name += "/"
                yield from (f"{word} {name}" for bit, word in _KINDS.items() if mask & bit)

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return b""


def photograph(outside: Path) -> dict[str, tuple[object, ...]]:
    """Every entry with its kind, mode, owner, link count, size and mtime; of links where they lead."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (outside, *sorted(outside.rglob("*"))):
        status = path.lstat()
        about = (status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns)
        leads = os.readlink(path) if path.is_symlink() else ""
        found[str(path.relative_to(outside))] = (*about, leads)
    return found


def make_outside(home: Path) -> Path:
    """What a hostile name or link could lead to: a file, a directory like a recording, its log."""
    outside = home / "elsewhere"
    like = outside / "like-a-recording"
    (like / "logs").mkdir(parents=True)
    for name in ("secret", "secret.log", "secret.json", "like-a-recording/camera_0.mp4"):
        (outside / name).write_bytes(SECRET)
    for name in (".done", ".hold", "recording.json", "logs/journal", "logs/merge.log"):
        (like / name).write_bytes(SECRET)
    return outside
