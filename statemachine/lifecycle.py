"""A lifecycle as validated data: its states, their markers, and the stage that leads out of each. Pure.

One declaration is the source of the `transitions` machine, the marker table, the diagram and the
documentation. Nothing in here knows what the recordings hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ezrec.statemachine.contradictions import contradictions
from ezrec.statemachine.declaration import HOLD, IDLE, LOCK, UNKNOWN, Stage, State, Transition
from ezrec.statemachine.edges import derived_transitions
from ezrec.statemachine.errors import LifecycleError

__all__ = ["HOLD", "IDLE", "LOCK", "UNKNOWN", "Lifecycle", "Stage", "State", "Transition"]


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
        problems = list(contradictions(self))
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
        settled = any(each.name == state for each in self.states)
        return settled and state != IDLE and self.stage_from(state) is None

    def without(self, transition: Transition) -> Lifecycle:
        """The same lifecycle with one edge taken out of the machine."""
        kept = tuple(each for each in self.transitions if each != transition)
        return replace(self, transitions=kept)
