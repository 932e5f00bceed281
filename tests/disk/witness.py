"""A process that sees every object that comes into an archive, and writes each down: `python -m … DIR OUT`.

It is told by the kernel (inotify), knows nothing of receipts and markers, and outlives every KILL.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until

_MOVED_TO, _CREATED = 0x80, 0x100
_HEAD = struct.Struct("iIII")


class Witness:
    """The process, and what it has seen: one name for each time that an object got a final name."""

    def __init__(self, archive: Path, out: Path) -> None:
        self._out = out
        self._archive = archive
        command = [sys.executable, "-m", "tests.disk.witness", str(archive), str(out)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2])
        wait_until(out.exists)

    def arrivals(self) -> list[str]:
        """All names until now. What was there before this was called has been seen."""
        last = self._archive / f".seen-{os.getpid()}"
        last.touch()
        wait_until(lambda: last.name in self._names())
        last.unlink()
        return [name for name in self._names() if name.endswith(".mp4")]

    def _names(self) -> list[str]:
        return self._out.read_text().splitlines()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def main(archive: str, out: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(0)
    if libc.inotify_add_watch(fd, os.fsencode(archive), _MOVED_TO | _CREATED) < 0:
        raise OSError(ctypes.get_errno(), archive)
    with Path(out).open("w") as written:
        while True:
            for name in _names(os.read(fd, 1 << 16)):
                written.write(name + "\n")
            written.flush()


def _names(data: bytes) -> list[str]:
    found = []
    while data:
        length = _HEAD.unpack_from(data)[3]
        found.append(os.fsdecode(data[_HEAD.size : _HEAD.size + length].rstrip(b"\0")))
        data = data[_HEAD.size + length :]
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
