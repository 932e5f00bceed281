"""What the audit hook of an instrumented process does at a point: in the process itself."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import stat
from dataclasses import replace
from pathlib import Path

from ezrec.media.footage import is_ours
from tests.disk.instrument import Traced
from tests.disk.points import Point, recording_of, site_of

_MAKES = frozenset({"mkdir", "link", "link_name", "write", "write_at"})
_CHANGES = _MAKES | {"truncate", "rename", "rename_new", "unlink", "rmdir", "sync"}
_DATA = frozenset({"write", "write_at", "truncate", "sync"})
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Aim:
    """The points of this process's plan. Plain os calls only: it must not meet itself."""

    def __init__(self, home: str) -> None:
        self._home = home
        points = [Point(**each) for each in json.loads(Path(f"{home}/points").read_bytes())]
        self._points: dict[tuple[str, str], list[tuple[int, Point]]] = {}
        for index, point in enumerate(points):
            self._points.setdefault((point.role, point.recording), []).append((index, point))

    def meet(self, told: Traced) -> None:
        """Kill this process, raise the planned OSError, or let the call be made."""
        recording = recording_of(told)
        for index, point in self._points.get((told.role, recording), ()):
            if point.after is not None and not self._is_hit(point.after):
                continue
            if self._is_hit(index):
                if point.lasting and is_like(point.errno, told) and not self._is_mended(index):
                    self._fail(index, point, told)
            elif point.site in ("", site_of(told)) and self._count(index) == point.nth:
                self._fail(index, point, told)
        if told.call in _DATA:
            self._write_down(recording, told)

    def _write_down(self, recording: str, told: Traced) -> None:
        """What becomes of the data of every file, in order: see tests/disk/syncing.py."""
        try:
            status = os.stat(told.path)
        except OSError:
            return  # a nameless file: nobody will ever sync it again
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "file"
        row = [recording, told.role, told.call, told.path, status.st_ino, status.st_mtime_ns, kind]
        with open(f"{self._home}/data", "ab", buffering=0) as data:  # noqa: PTH123  # early
            data.write(json.dumps(row).encode() + b"\n")

    def _fail(self, index: int, point: Point, told: Traced) -> None:
        with open(f"{self._home}/hit-{index}", "ab", buffering=0) as hit:  # noqa: PTH123  # early
            hit.write(b".")
        if point.errno:
            self._write_down(point.recording, replace(told, call=f"failed {told.call}"))
            raise OSError(point.errno, os.strerror(point.errno), told.path)
        self._hold(point.recording)
        os.kill(os.getpid(), signal.SIGKILL)

    def _hold(self, recording: str) -> None:
        """What the kernel has of the footage that we stand beside, now: a kill may cost none of it."""
        place = f"{self._home}/held/{recording}"
        for name in os.listdir("."):
            if is_ours(name):
                os.makedirs(place, exist_ok=True)
                shutil.copyfile(name, f"{place}/{name}")

    def _is_hit(self, index: int) -> bool:
        return os.path.exists(f"{self._home}/hit-{index}")  # cheap

    def _is_mended(self, index: int) -> bool:
        return os.path.exists(f"{self._home}/mended-{index}")  # cheap

    def _count(self, index: int) -> int:
        fd = os.open(f"{self._home}/seen-{index}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.lseek(fd, 0, os.SEEK_END)
            os.write(fd, b".")
            return os.fstat(fd).st_size
        finally:
            os.close(fd)


def is_like(code: int, told: Traced) -> bool:
    """Whether a disk that gives this error gives it to this call too."""
    opens = told.call == "open"
    made = opens and bool(int(told.arguments[1]) & os.O_CREAT)
    written = opens and int(told.arguments[1]) & os.O_ACCMODE != os.O_RDONLY
    if code == errno.EMFILE:
        return opens
    if code == errno.EROFS:
        return told.call in _CHANGES - {"sync"} or written
    if code in _FULL:
        return told.call in _MAKES or made
    return told.call in _CHANGES
