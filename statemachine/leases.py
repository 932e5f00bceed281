"""Which leases are held just now, of all recordings at once: the kernel's own table of flocks."""

from __future__ import annotations

import os
from pathlib import Path

_LOCKS = Path("/proc/locks")
#: the kernel's PROC_PID_INIT_INO: processes in it are in no container
FIRST_NAMESPACE = 0xEFFFFFFC


def held(fd: int) -> frozenset[int] | None:
    """The inodes that bear an flock, on whatever device; None where the table can't be believed: it has to
    have the lock that we hold on `fd` ourselves. In a container it lacks what was locked by a process that
    has ended, as every lease of the last daemon was, whoever holds it now."""
    try:
        if namespace() != FIRST_NAMESPACE:
            return None
        lines = _LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    found = frozenset(_inode(line.split()) for line in lines)
    return found if os.fstat(fd).st_ino in found else None


def namespace() -> int:
    """The pid namespace that this process is in. Raises OSError where /proc does not say."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _inode(fields: list[str]) -> int:
    """Of a line like `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF`; -1 of any other."""
    if len(fields) < 6 or fields[1] != "FLOCK":
        return -1
    return int(fields[5].rpartition(":")[2])
