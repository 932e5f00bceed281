"""Which leases are held just now, of all recordings at once: the kernel's own table of flocks."""

from __future__ import annotations

import os
from pathlib import Path

_LOCKS = Path("/proc/locks")


def held(fd: int) -> frozenset[int] | None:
    """The inodes that bear an flock, on whatever device; None where the table can't be believed: it has to
    have the lock that we hold on `fd` ourselves."""
    try:
        lines = _LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    found = frozenset(_inode(line.split()) for line in lines)
    return found if os.fstat(fd).st_ino in found else None


def _inode(fields: list[str]) -> int:
    """Of a line like `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF`; -1 of any other."""
    if len(fields) < 6 or fields[1] != "FLOCK":
        return -1
    return int(fields[5].rpartition(":")[2])
