"""Idle CPU and I/O priority for a process: it works only where nobody else wants to."""

from __future__ import annotations

import ctypes
import os
import platform

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "armv6l": 314}
_WHO_PROCESS = 1
_CLASS_IDLE = 3 << 13
_libc = ctypes.CDLL(None, use_errno=True)


def make_idle(pid: int) -> None:
    """Put `pid` (0: this process) into SCHED_IDLE and the idle I/O class; a vanished one is passed over."""
    try:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    except (ProcessLookupError, PermissionError):
        return
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        _libc.syscall(number, _WHO_PROCESS, pid, _CLASS_IDLE)
