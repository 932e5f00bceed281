"""Real small disks for tests: a tmpfs under a root, filled, emptied, made read-only and back."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from tests.waiting import wait_until


class SmallDisk:
    """A tmpfs at `path`. Raises PermissionError where mounting is not allowed."""

    def __init__(self, path: Path, options: str = "size=6m,nr_inodes=500") -> None:
        self.path = path
        self._filler = path / ".filler"
        path.mkdir()
        if _mount("-t", "tmpfs", "-o", options, "tmpfs", str(path)) != 0:
            raise PermissionError(errno.EPERM, "mount", str(path))

    def fill(self) -> None:
        """With bytes, until not one more fits."""
        fd = os.open(self._filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for size in (1 << 20, 1 << 12, 1):
                while _write(fd, size):
                    pass
        finally:
            os.close(fd)

    def fill_inodes(self) -> None:
        """With empty files, until not one more can be made."""
        place = self.path / ".fillers"
        try:
            place.mkdir()
            for number in range(1 << 20):
                (place / str(number)).touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def empty(self) -> None:
        """There is room again."""
        self._filler.unlink(missing_ok=True)
        for each in (self.path / ".fillers").glob("*"):
            each.unlink()

    def read_only(self) -> None:
        """As soon as nobody has a file open for writing."""
        wait_until(lambda: _mount("-o", "remount,ro", str(self.path)) == 0, 30)

    def writable(self) -> None:
        assert _mount("-o", "remount,rw", str(self.path)) == 0

    def end(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


def _write(fd: int, size: int) -> bool:
    try:
        return os.write(fd, bytes(size)) > 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False


def _mount(*words: str) -> int:
    return subprocess.run(["mount", *words], capture_output=True).returncode
