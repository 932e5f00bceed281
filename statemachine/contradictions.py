"""What is wrong with a lifecycle's declaration, each fault as a sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ezrec.statemachine.declaration import HOLD, IDLE, LOCK, UNKNOWN, Stage, State

if TYPE_CHECKING:
    from ezrec.statemachine.lifecycle import Lifecycle

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = frozenset({HOLD, ".journal", ".ezrec", ".progress"})


def contradictions(lifecycle: Lifecycle) -> Iterable[str]:
    """One sentence for each fault; none where the declaration makes sense."""
    names = [state.name for state in lifecycle.states] + [s.working for s in lifecycle.stages]
    known = {state.name for state in lifecycle.states}
    if IDLE not in known:
        yield f"there has to be a state {IDLE!r} without a marker"
    yield from _doubled("state", [s.name for s in lifecycle.states])
    yield from _doubled("marker", [s.marker for s in lifecycle.states if s.marker])
    yield from _doubled("stage", [stage.name for stage in lifecycle.stages])
    yield from _doubled("source of a stage", [stage.source for stage in lifecycle.stages])
    yield from _doubled("working state", [stage.working for stage in lifecycle.stages])
    for name in {*names, *(stage.name for stage in lifecycle.stages)}:
        if not _NAME.fullmatch(name) or name == UNKNOWN:
            yield f"{name!r} can't be a name (lower case letters, digits, '_')"
    for state in lifecycle.states:
        yield from _state_problems(state)
    for stage in lifecycle.stages:
        yield from _stage_problems(stage, known, lifecycle)
    for edge in lifecycle.transitions:
        for end in {edge.source, edge.target} - {*names, UNKNOWN}:
            yield f"transition {edge.trigger!r} names the state {end!r}, which is not declared"


def _doubled(what: str, values: list[str]) -> Iterable[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{what} {value!r} is declared twice"


def _state_problems(state: State) -> Iterable[str]:
    if (state.marker is None) != (state.name == IDLE):
        yield f"state {state.name!r}: {IDLE!r} has no marker, every other state has one"
    if state.error and state.marker in (None, LOCK):
        yield f"state {state.name!r}: an error has a marker of its own"
    if state.marker and (not _may_be_marker(state.marker) or state.marker in _RESERVED):
        yield f"state {state.name!r}: {state.marker!r} can't be a marker"


def _may_be_marker(name: str) -> bool:
    return name.startswith(".") and _NAME.fullmatch(name, 1) is not None


def _stage_problems(stage: Stage, known: set[str], lifecycle: Lifecycle) -> Iterable[str]:
    for end in (stage.source, stage.ok, stage.exhausted, stage.refused):
        if end not in known:
            yield f"stage {stage.name!r} names the state {end!r}, which is not declared"
    for end in {stage.ok, stage.exhausted, stage.refused}:
        if end in (IDLE, stage.source) or _is_lock(lifecycle, end):
            yield f"stage {stage.name!r} can't end in {end!r}: it has to lead on"
    if stage.source == IDLE:
        yield f"stage {stage.name!r}: nothing starts from {IDLE!r}"
    taken = known - ({stage.source} if _is_lock(lifecycle, stage.source) else set())
    if stage.working in taken:
        yield f"stage {stage.name!r}: {stage.working!r} is a settled state already"
    if stage.attempts is not None and stage.attempts < 1:
        yield f"stage {stage.name!r}: attempts must be at least 1"
    if stage.limit < 1:
        yield f"stage {stage.name!r}: limit must be at least 1"
    if any(not output or "/" in output or output.startswith(".") for output in stage.outputs):
        yield f"stage {stage.name!r}: outputs are plain names in the recording"


def _is_lock(lifecycle: Lifecycle, state: str) -> bool:
    return any(each.name == state and each.marker == LOCK for each in lifecycle.states)
