"""Finding and ending what a run has started: by its run id and by descent, never by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

RUN_VARIABLE = "EZREC_RUN_ID"


def bearing(run: str) -> list[int]:
    """Every process whose environment at its start named this run."""
    wanted = f"{RUN_VARIABLE}={run}".encode()
    return [pid for pid in _pids() if wanted in _environment(pid).split(b"\0") and _lives(pid)]


def children(parent: int) -> list[int]:
    """What `parent`, which has one thread, has started or adopted and not collected yet."""
    try:
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_bytes()
    except OSError:  # a kernel without that file
        return [pid for pid in _pids() if stat_fields(pid)[1:2] == [str(parent)]]
    return [int(pid) for pid in listed.split()]


def descendants(ancestor: int, without: Collection[int] = ()) -> list[int]:
    """Every process below `ancestor`, zombies left out; nothing of those in `without` and below them."""
    known: dict[int, list[int]] = {}
    for pid in _pids():
        fields = stat_fields(pid)
        if fields and fields[0] != "Z":
            known.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = [pid for pid in known.get(waiting.pop(), []) if pid not in without]
        found.extend(below)
        waiting.extend(below)
    return found


def end(run: str, patience: float = 2.0) -> list[int]:
    """KILL all that bears this run id until nothing does; the pids that can't be ended in time."""
    deadline = time.monotonic() + patience
    while pids := bearing(run):
        if time.monotonic() > deadline:
            return pids
        for pid in pids:
            kill(pid)
        time.sleep(0.005)
    return []


def kill(pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal; False where the process is gone or not ours."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def signal_exactly(pid: int, started: int, number: int) -> bool:
    """Signal the process `pid` if it is the one that started at `started`; False where it is gone."""
    try:
        fd = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return False
    try:
        if start_time(pid) != started:
            return False
        signal.pidfd_send_signal(fd, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(fd)
    return True


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 where it is gone."""
    fields = stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name: state, parent, …; empty where it is gone."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        text = os.read(fd, 4096).decode(errors="replace")
    except OSError:
        return []
    finally:
        os.close(fd)
    return text.rpartition(")")[2].split()


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _lives(pid: int) -> bool:
    fields = stat_fields(pid)
    return bool(fields) and fields[0] not in "ZX"
