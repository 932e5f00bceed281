"""The words that the resolver's rules are written in: what a set of facts says about a state. Pure."""

from __future__ import annotations

from ezrec.statemachine.facts import Facts
from ezrec.statemachine.lifecycle import IDLE, UNKNOWN, Lifecycle


def newcomers(facts: Facts) -> frozenset[str]:
    """The states present that are not ours: neither the journal's last nor the pending one."""
    return facts.present - {facts.known, facts.pending}


def least(lifecycle: Lifecycle, states: frozenset[str]) -> str:
    """The one that wins: errors before progress (the last declared first), then the least advanced."""
    order = {state.name: index for index, state in enumerate(lifecycle.states)}
    errors = [name for name in states if lifecycle.state(name).error]
    return max(errors, key=order.__getitem__) if errors else min(states, key=order.__getitem__)


def is_lock_state(lifecycle: Lifecycle, name: str | None) -> bool:
    """Whether `name` is the state whose marker is `.lock` itself."""
    lock = lifecycle.lock_state
    return lock is not None and lock.name == name


def locks(lifecycle: Lifecycle) -> bool:
    """Whether a `.lock` alone means anything in this lifecycle: that its work is asked for."""
    lock = lifecycle.lock_state
    return lock is not None and lifecycle.stage_from(lock.name) is not None


def lock_name(lifecycle: Lifecycle, _facts: Facts) -> str:
    """The state whose marker is `.lock` itself."""
    lock = lifecycle.lock_state
    return lock.name if lock else IDLE


def after_lock(lifecycle: Lifecycle, facts: Facts) -> str:
    """Where the lock's own stage leads when it has ended well."""
    stage = lifecycle.stage_from(lock_name(lifecycle, facts))
    return stage.ok if stage else IDLE


def known_state(lifecycle: Lifecycle, facts: Facts) -> str:
    """The journal's state; `unknown` where this lifecycle does not declare it."""
    name = facts.known or IDLE
    return name if is_declared(lifecycle, name) else UNKNOWN


def is_declared(lifecycle: Lifecycle, name: str) -> bool:
    """Whether the lifecycle has a state of this name."""
    return any(state.name == name for state in lifecycle.states)


def pending_state(_lifecycle: Lifecycle, facts: Facts) -> str:
    """Where the journaled decision leads."""
    return facts.pending or IDLE


def newest(lifecycle: Lifecycle, facts: Facts) -> str:
    """Of the markers that are not ours, the one that wins."""
    return least(lifecycle, newcomers(facts))


def present_state(lifecycle: Lifecycle, facts: Facts) -> str:
    """Of all the markers that stand there, the one that wins."""
    return least(lifecycle, facts.present)


def is_error(lifecycle: Lifecycle, name: str | None) -> bool:
    """Whether `name` is a state that waits for an operator."""
    return name is not None and any(s.error and s.name == name for s in lifecycle.states)


def mended_state(lifecycle: Lifecycle, facts: Facts) -> str:
    """Where a recording goes when its error is lifted: back to where it failed from; where the
    lock's own stage failed, or no journal knows, to what payload and outputs support."""
    failing = is_error(lifecycle, facts.pending) and not is_error(lifecycle, facts.known)
    origin = facts.known if failing else facts.failed_from
    if origin is not None and not is_declared(lifecycle, origin):
        origin = None
    if origin is not None and not is_lock_state(lifecycle, origin):
        return origin
    if origin is None and not facts.payload:
        return facts.supported or IDLE
    return after_lock(lifecycle, facts) if facts.payload else IDLE


def work_stands(lifecycle: Lifecycle, facts: Facts) -> bool:
    """Whether the marker that the running work started from is where it was."""
    if is_lock_state(lifecycle, facts.known):
        return facts.lock
    if not is_declared(lifecycle, facts.known or IDLE):
        return True
    return bool(facts.present) or facts.known in (None, IDLE)
