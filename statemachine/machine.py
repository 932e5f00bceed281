"""The formal machine, made from a lifecycle by `transitions`: the only judge of what is legal.

It is driven undecorated, `machine.events[trigger].trigger(subject)`: a shared machine, no registered
models, nothing added to them. A subject lives as long as one look at a recording.
"""

from __future__ import annotations

import logging
from typing import Any

from transitions import EventData, Machine, MachineError

from ezrec.statemachine.errors import IllegalTransition
from ezrec.statemachine.lifecycle import UNKNOWN, Lifecycle, Transition

logging.getLogger("transitions").setLevel(logging.WARNING)  # it tells each step at INFO


class Subject:
    """A recording as the machine sees it: just its state."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def _outputs_stand(event: EventData) -> bool:
    return bool(event.kwargs.get("outputs_stand"))


def _attempts_used_up(event: EventData) -> bool:
    return bool(event.kwargs.get("attempts_used_up"))


def _leased(event: EventData) -> bool:
    return bool(event.kwargs.get("leased"))


#: what must hold besides the table, by the first word of the trigger
_GUARDS = {"finish": _outputs_stand, "exhaust": _attempts_used_up, "start": _leased}


class LifecycleMachine:
    """`fire` moves a subject along one edge of the lifecycle, or raises IllegalTransition."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        names = [state.name for state in lifecycle.states]
        working = [stage.working for stage in lifecycle.stages if stage.working not in names]
        self._machine = Machine(
            model=None,
            states=[*names, *working, UNKNOWN],
            transitions=[_row(transition) for transition in lifecycle.transitions],
            initial=None,
            auto_transitions=False,
            send_event=True,
        )

    def fire(self, subject: Subject, trigger: str, **facts: Any) -> str:
        """The state that `trigger` leads to; `facts` are what the guards look at."""
        origin = subject.state
        try:
            moved = self.allows(origin, trigger) and self._drive(subject, trigger, facts)
        except MachineError:
            moved = False
        if not moved:
            raise IllegalTransition(f"the lifecycle allows no {trigger!r} from {origin!r}")
        return subject.state

    def _drive(self, subject: Subject, trigger: str, facts: dict[str, Any]) -> bool:
        return bool(self._machine.events[trigger].trigger(subject, **facts))

    def allows(self, state: str, trigger: str) -> bool:
        """Whether the table has this edge; the guards are not asked."""
        event = self._machine.events.get(trigger)
        return event is not None and state in event.transitions


def _row(transition: Transition) -> dict[str, Any]:
    guard = _GUARDS.get(transition.trigger.split("_", 1)[0])
    row = {"trigger": transition.trigger, "source": transition.source, "dest": transition.target}
    return {**row, "conditions": guard} if guard else row
