"""P1: a push that ends a run is not lost, wherever the daemon is cut off while it carries it out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ezrec.statemachine import starting
from ezrec.statemachine.calls import EVENT
from ezrec.statemachine.reconcile import opened_case
from ezrec.statemachine.testing import FakeClock
from tests.conftest import Figure
from tests.process.alone import Alone

_READS = {"open", "read_at", "names", "status", "lock"}


class CutOffError(BaseException):
    """The daemon is gone: nothing in it may catch this."""


class _Saw:
    """Cuts off at the call number `at` that changes the disk, 0: never; what comes once `over` is true
    is a supervisor's and not the daemon's. An audit hook can't be removed."""

    at = 0
    seen = 0
    over: Callable[[], bool] = staticmethod(lambda: False)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == EVENT and self.at and arguments[0] not in _READS and not self.over():
            self.seen += 1
            if self.seen == self.at:
                raise CutOffError


@pytest.fixture(scope="module")
def saw() -> _Saw:
    made = _Saw()
    sys.addaudithook(made)
    return made


@contextmanager
def sawing(saw: _Saw, at: int, over: Callable[[], bool]) -> Iterator[None]:
    saw.at, saw.seen, saw.over = at, 0, over
    try:
        yield
    finally:
        saw.at = 0


def ask_and_end(alone: Alone, state: str) -> None:
    """A merge runs; an operator asks for `state`; the merge ends."""
    alone.runner.script = lambda _launch: None
    alone.drop("match")
    alone.until(lambda: bool(alone.runner.running()))
    with opened_case(alone.engine.world, "match") as case:
        assert case.history.run is not None
        case.journal.append("asked", durable=False, state=state, by="somebody", reason="")
        starting.cancel(case, case.history.run, f"push:{state}")
    alone.runner.finish(alone.runner.running()[0], 143)


@pytest.mark.parametrize("state", ["idle", "recording"])
def test_p01_a_push_during_work_survives_a_crash(
    tmp_path: Path, figure: Figure, saw: _Saw, state: str
) -> None:
    """To a state without a marker of its own, cut off before every call that changes the disk, and
    taken up by the next daemon: the recording is pushed there, every time."""
    for at in count(1):
        site = tmp_path / str(at)
        site.mkdir()
        with Alone(site, FakeClock()) as alone:
            ask_and_end(alone, state)
            try:
                with sawing(saw, at, lambda r=alone.runner: len(r.launches) > 1):  # type: ignore[misc]  # bound at once
                    alone.until(lambda a=alone: is_pushed(a, state))  # type: ignore[misc]  # bound at once
                break
            except CutOffError:
                pass
        with Alone(site, FakeClock()) as alone:
            alone.runner.script = lambda _launch: None
            alone.until(lambda a=alone: is_pushed(a, state))  # type: ignore[misc]  # bound at once
            starts = [launch.environment["EZREC_STAGE"] for launch in alone.runner.launches]
            assert starts == (["capture"] if state == "recording" else [])
    figure(f"P1 push to {state} during work: points cut off, carried out after each", at - 1)
    assert at > 5


def is_pushed(alone: Alone, state: str) -> bool:
    """Nothing but the push is left: no marker but the one of the work that it asks for."""
    lines = alone.journal("match")
    pushed = any((line["kind"], line.get("state")) == ("push", state) for line in lines)
    ended = any(line["kind"] == "ended" for line in lines)
    markers = {name for name in alone.names("match") if name.startswith(".")}
    wanted = {".lock"} if state == "recording" else set()
    begun = bool(alone.runner.running()) or state == "idle"
    return pushed and ended and markers == wanted and begun
