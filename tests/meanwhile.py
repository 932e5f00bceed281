"""What somebody else does at the last moment: after ezrec has looked, and before it calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ezrec.statemachine import calls

_waiting: dict[tuple[str, str], Callable[[], object]] = {}
_installed: list[bool] = []


def _announced(event: str, arguments: tuple[Any, ...]) -> None:
    if event == calls.EVENT and len(arguments) > 2:
        act = _waiting.pop((str(arguments[0]), str(arguments[2])), None)
        if act is not None:
            act()


@contextmanager
def meanwhile(call: str, name: str, act: Callable[[], object]) -> Iterator[None]:
    """Do `act` right before the first `call` on `name` is made in this process. AssertionError if none is."""
    if not _installed:
        sys.addaudithook(_announced)
        _installed.append(True)
    _waiting[call, name] = act
    try:
        yield
        assert (call, name) not in _waiting, f"no {call} of {name} was made"
    finally:
        _waiting.pop((call, name), None)


def is_waiting(call: str) -> bool:
    """Whether something is still to be done before such a call."""
    return any(waiting == call for waiting, _ in _waiting)
