"""ezrec's calls on the disk in this process: what somebody else does right before one, what is synced."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ezrec.statemachine import calls

_waiting: dict[tuple[str, str], Callable[[], object]] = {}
_synced: list[int] = []
_installed: list[bool] = []


def _announced(event: str, arguments: tuple[Any, ...]) -> None:
    if event != calls.EVENT:
        return
    if arguments[0] == "sync":
        _synced.append(os.fstat(arguments[1]).st_ino)
    if len(arguments) > 2:
        act = _waiting.pop((str(arguments[0]), str(arguments[2])), None)
        if act is not None:
            act()


def _listen() -> None:
    if not _installed:
        sys.addaudithook(_announced)
        _installed.append(True)


@contextmanager
def synced() -> Iterator[list[int]]:
    """The inodes that are synced in the meantime, in order; the list is filled at the end."""
    _listen()
    before = len(_synced)
    inodes: list[int] = []
    yield inodes
    inodes += _synced[before:]


@contextmanager
def meanwhile(call: str, name: str, act: Callable[[], object]) -> Iterator[None]:
    """Do `act` right before the first `call` on `name` is made in this process. AssertionError if none is."""
    _listen()
    _waiting[call, name] = act
    try:
        yield
        assert (call, name) not in _waiting, f"no {call} of {name} was made"
    finally:
        _waiting.pop((call, name), None)


def is_waiting(call: str) -> bool:
    """Whether something is still to be done before such a call."""
    return any(waiting == call for waiting, _ in _waiting)
