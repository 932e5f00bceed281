"""A lifecycle as validated data: its states, their markers, and the stage that leads out of each. Pure.

One declaration is the source of the `transitions` machine, the marker table, the diagram and the
documentation. Nothing in here knows what the recordings hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase

from ezrec.statemachine.errors import LifecycleError

IDLE = "idle"
UNKNOWN = "unknown"
HOLD = ".hold"
LOCK = ".lock"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MARKER = re.compile(r"\.[a-z][a-z0-9_]{0,31}")
_RESERVED = frozenset({HOLD, ".journal", ".ezrec", ".progress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A settled state. The order of the states in a lifecycle is how far advanced they are.

    `marker` is the file that is this state; None is the state of a directory without one.
    """

    name: str
    marker: str | None
    error: bool = False
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Work that a state calls for, done by a hook.

    It leads from `source` over `working` to `ok`, to `exhausted` when its attempts are used up, or to
    `refused` when the hook says that no retry can help. `attempts` None: again for ever. `backoff` is
    the first wait after a failure, doubled each time. `limit` is how many run at once; lower
    `priority` goes first. `urgent` stages make the others run at idle priority. `outputs` are the
    names that must be there when the hook has said 0.
    """

    name: str
    source: str
    working: str
    ok: str
    exhausted: str
    refused: str
    outputs: tuple[str, ...] = ()
    attempts: int | None = 3
    timeout: timedelta = timedelta(hours=1)
    grace: timedelta = timedelta(seconds=10)
    backoff: timedelta = timedelta(seconds=1)
    limit: int = 1
    priority: int = 1
    urgent: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One edge of the machine: `trigger` leads from `source` to `target`."""

    trigger: str
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The whole declaration. `payload` are patterns of the files that the work is about.

    `transitions` is derived from the states and stages unless given. Raises LifecycleError, with every
    contradiction named, when it is built.
    """

    name: str
    states: tuple[State, ...]
    stages: tuple[Stage, ...]
    payload: tuple[str, ...] = ("*",)
    transitions: tuple[Transition, ...] = field(default=())

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise LifecycleError(f"lifecycle {self.name!r}: " + "; ".join(problems))
        if not self.transitions:
            object.__setattr__(self, "transitions", tuple(derived_transitions(self)))

    def state(self, name: str) -> State:
        """The state called `name`; KeyError where there is none."""
        return {state.name: state for state in self.states}[name]

    def named(self, text: str) -> State | None:
        """The state that a person means by its name or by its marker's, with or without the dot."""
        wanted = {text, "." + text.lstrip(".")}
        return next((s for s in self.states if s.name == text or s.marker in wanted), None)

    def by_marker(self, marker: str) -> State | None:
        """The state whose marker this is."""
        return next((state for state in self.states if state.marker == marker), None)

    def stage_from(self, state: str) -> Stage | None:
        """The stage that leads out of `state`, if any does."""
        return next((stage for stage in self.stages if stage.source == state), None)

    def stage(self, name: str) -> Stage:
        """The stage called `name`; KeyError where there is none."""
        return {stage.name: stage for stage in self.stages}[name]

    @property
    def lock_state(self) -> State | None:
        """The state whose marker is `.lock` itself, if the lifecycle has one."""
        return self.by_marker(LOCK)

    @property
    def markers(self) -> dict[str, str]:
        """Marker -> state name, of every state marker but `.lock`."""
        return {s.marker: s.name for s in self.states if s.marker and s.marker != LOCK}

    def is_payload(self, name: str) -> bool:
        """Whether a file of this name is what the work is about, and no stage's output."""
        outputs = {output for stage in self.stages for output in stage.outputs}
        visible = not name.startswith(".") and name not in outputs
        return visible and any(fnmatchcase(name, pattern) for pattern in self.payload)

    def is_final(self, state: str) -> bool:
        """Whether nothing leads out of `state` by itself."""
        return state != IDLE and self.stage_from(state) is None

    def without(self, transition: Transition) -> Lifecycle:
        """The same lifecycle with one edge taken out of the machine."""
        kept = tuple(each for each in self.transitions if each != transition)
        return replace(self, transitions=kept)


def _problems(lifecycle: Lifecycle) -> Iterable[str]:
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
    if state.marker and (not _MARKER.fullmatch(state.marker) or state.marker in _RESERVED):
        yield f"state {state.name!r}: {state.marker!r} can't be a marker"


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
        if not state.error and state.name != IDLE:
            yield Transition("clear", state.name, IDLE)


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


def _mending_transitions(lifecycle: Lifecycle) -> Iterable[Transition]:
    """An error marker was removed: back to where the recording came from."""
    for error in (state for state in lifecycle.states if state.error):
        for state in lifecycle.states:
            if not state.error and state != lifecycle.lock_state:
                yield Transition(f"mend_{state.name}", error.name, state.name)
