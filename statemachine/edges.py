"""Every edge of the machine that a lifecycle's states and stages imply. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ezrec.statemachine.declaration import IDLE, UNKNOWN, Stage, Transition

if TYPE_CHECKING:
    from ezrec.statemachine.lifecycle import Lifecycle


def derived_transitions(lifecycle: Lifecycle) -> Iterable[Transition]:
    """Every edge that the states and stages imply; what is not among them can't happen."""
    settled = [state.name for state in lifecycle.states]
    working = [stage.working for stage in lifecycle.stages if stage.working not in settled]
    for stage in lifecycle.stages:
        yield from _stage_transitions(stage)
    yield from _lock_transitions(lifecycle)
    yield from _mending_transitions(lifecycle)
    for state in lifecycle.states:
        if state.name != IDLE:
            yield Transition(f"find_{state.name}", IDLE, state.name)
        for source in [*settled, *working, UNKNOWN]:
            yield Transition(f"push_{state.name}", source, state.name)
    for source in [*settled, UNKNOWN]:
        yield Transition("clear", source, IDLE)


def _stage_transitions(stage: Stage) -> Iterable[Transition]:
    yield Transition(f"start_{stage.name}", stage.source, stage.working)
    yield Transition(f"finish_{stage.name}", stage.working, stage.ok)
    yield Transition(f"exhaust_{stage.name}", stage.working, stage.exhausted)
    yield Transition(f"refuse_{stage.name}", stage.working, stage.refused)
    yield Transition(f"yield_{stage.name}", stage.working, stage.source)


def _lock_transitions(lifecycle: Lifecycle) -> Iterable[Transition]:
    lock = lifecycle.lock_state
    stage = lifecycle.stage_from(lock.name) if lock else None
    if lock and stage:
        yield Transition("salvage", lock.name, stage.ok)
        for state in lifecycle.states:
            if state.name != lock.name:
                yield Transition("ask", state.name, lock.name)
        yield Transition("ask", UNKNOWN, lock.name)


def _mending_transitions(lifecycle: Lifecycle) -> Iterable[Transition]:
    """An error marker was removed: back to where the recording came from."""
    for error in (state for state in lifecycle.states if state.error):
        for state in lifecycle.states:
            if not state.error and state != lifecycle.lock_state:
                yield Transition(f"mend_{state.name}", error.name, state.name)
