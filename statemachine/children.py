"""The processes below a supervisor, or left by one that died: collecting them, ending whatever is left."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

from ezrec.statemachine import processes

_PATIENCE = 5.0
_ORPHANS_PATIENCE = 2.0
_QUICK_LOOKS = 200


def reap(pid: int) -> int | None:
    """Collect every child that has ended; the exit code of `pid` if it was among them."""
    code = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if ended == 0:
            return code
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)


def end_all() -> list[int]:
    """KILL whatever is left below this process, a subreaper; those that did not end in 5 s."""
    deadline = time.monotonic() + _PATIENCE
    reap(-1)
    while not _is_childless():
        left = _kill_below(())
        reap(-1)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.002)
    return []


def end_orphans(kept: Collection[int]) -> list[int]:
    """KILL whatever is left below this process, a subreaper, but for its children `kept` and what is
    below those; the ones that did not end in 2 s."""
    deadline = time.monotonic() + _ORPHANS_PATIENCE
    while strays := set(processes.children(os.getpid())).difference(kept):
        _kill_below(kept)
        if time.monotonic() > deadline:
            return sorted(strays)
        for pid in strays:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)
    return []


def _kill_below(kept: Collection[int]) -> list[int]:
    """The nearest ones first, as long as there are others: one that forks and ends over and over is
    met only by a quick look. What was found below, zombies left out."""
    met = set(kept)
    for _ in range(_QUICK_LOOKS):
        fresh = set(processes.children(os.getpid())) - met
        for pid in fresh:
            processes.kill(pid)
        if not fresh:
            break
        met |= fresh
    left = processes.descendants(os.getpid(), kept)
    for pid in left:
        processes.kill(pid)
    return left


def _is_childless() -> bool:
    """Whoever has no child, and adopts every orphan, has nothing below it: no need to read all of /proc."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def signal_group(pid: int, number: int) -> None:
    """Signal a process group, if it is still there."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or it has left its group: its descendants are found by descent
