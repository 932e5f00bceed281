"""Keeping what a process knows from other processes of the same user."""

from __future__ import annotations

import ctypes

_PR_SET_DUMPABLE = 4


def hide_from_others() -> None:
    """What this process was started with (`/proc/<pid>/environ`) and its memory can be read by root alone.

    A hook runs as the same user, and would find every secret there; what this process starts is not
    hidden, and gets an environment of its own. No core is dumped either. Of no use against root.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
