"""What a daemon knows of the runs that it has started itself, and for how long it waits to hear of them."""

from __future__ import annotations

import errno
import os

from ezrec.statemachine.minded import Minded


def test_an_end_is_awaited_until_it_is_told() -> None:
    """Of a run of the last daemon nobody will tell."""
    minded = Minded()
    assert not minded.is_awaited("another's")
    minded.begun("run")
    assert minded.is_awaited("run")
    minded.ended("run", errno.ENOSPC)
    assert not minded.is_awaited("run")
    assert minded.world_fault("run") == os.strerror(errno.ENOSPC)
    minded.forget("run")
    assert minded.world_fault("run") == ""


def test_an_end_that_does_not_come_is_not_awaited_for_ever() -> None:
    """Its lease is free: what has not been told after ten seconds of looks never will be."""
    minded = Minded()
    minded.begun("run")
    assert [minded.is_awaited("run") for _ in range(42)] == [True] * 40 + [False] * 2


def test_one_reason_is_news_once() -> None:
    """Each attempt ends of the same full disk; another reason is news, and so is the same one after an end
    that was good."""
    minded = Minded()
    told = [
        minded.is_news("x", why) for why in ("full", "full", "broken", "full", "", "full", "full")
    ]
    assert told == [True, False, True, True, False, True, False]
    assert minded.is_news("y", "full")
    assert minded.is_newly_overdue("run") and not minded.is_newly_overdue("run")
