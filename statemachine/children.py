"""The processes below a supervisor: collecting them, and ending whatever is left."""

from __future__ import annotations

import os
import time

from ezrec.statemachine import processes

_PATIENCE = 5.0


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
    while not _is_childless() and (left := processes.descendants(os.getpid())):
        for pid in left:
            processes.kill(pid)
        reap(-1)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.002)
    reap(-1)
    return []


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
