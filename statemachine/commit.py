"""Carrying a recording from one state to another: the commit order, in one place.

Note into the marker, journal the decision and fsync, rename without replacing, fsync the directory,
journal the state, remove `.lock`, tell. All of it under the lease.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.launch import tell_launch
from ezrec.statemachine.lifecycle import LOCK, UNKNOWN
from ezrec.statemachine.machine import Subject
from ezrec.statemachine.names import quote
from ezrec.statemachine.tells import Tell
from ezrec.statemachine.view import Case
from ezrec.statemachine.world import Changed, World

log = logging.getLogger("ezrec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One legal step: from `source` (a settled or working state) by `trigger` to `state`."""

    source: str
    trigger: str
    state: str
    how: str
    reason: str = ""
    by: str = "ezrec"
    fields: Mapping[str, Any] | None = None


def commit(world: World, case: Case, old: str, move: Move) -> bool:
    """Rename the marker of the state `old` to the one of `move.state`; False where an operator was
    first. `move.fields` are journaled with the decision. Raises OSError: nothing was claimed."""
    old_marker = world.lifecycle.state(old).marker or LOCK
    new_marker = world.lifecycle.state(move.state).marker or LOCK
    tell = _prepare_tell(world, case, move)
    case.place.write_note(old_marker, note(world, case, move))
    try:
        fields = dict(move.fields or {})
        case.journal.append("ended", durable=True, to=move.state, reason=move.reason, **fields)
    except OSError:
        _drop_tell(world, tell)
        raise
    if run := fields.get("run"):
        forget_run(case, run)  # its end is journaled: after a crash nobody would come back for it
    try:
        case.place.rename(old_marker, new_marker)
    except (FileExistsError, FileNotFoundError):
        case.journal.append("void", durable=False, to=move.state)
        _drop_tell(world, tell)
        return False
    record(world, case, move, "state", durable=False)
    if old_marker != LOCK:
        case.place.remove_lock()
    _tell(world, tell)
    return True


def record(world: World, case: Case, move: Move, kind: str, *, durable: bool) -> None:
    """Journal a state that the markers show already, and let the program know."""
    case.journal.append(
        kind,
        durable=durable,
        state=move.state,
        marker=world.lifecycle.state(move.state).marker or "",
        how=move.how,
        reason=move.reason,
        by=move.by,
        content=case.sighting.content,
        **{"from": origin(world, case)},
    )
    if case.history.known is None:
        world.root.sync_above(case.id)
    log.info("%s: %s -> %s (%s)", case.id, move.source, move.state, move.reason or move.how)
    changed = Changed(
        recording=case.id, origin=move.source, state=move.state, how=move.how, reason=move.reason
    )
    world.on_change(changed)


def origin(world: World, case: Case) -> str:
    """The last state that was no error: where a mended recording goes back to."""
    known = case.history.known
    errors = {state.name for state in world.lifecycle.states if state.error}
    if known is None or known in errors:
        return case.history.failed_from or ""
    return known


def source_of(world: World, case: Case) -> str:
    """The journal's state as the machine knows it: `unknown` where this lifecycle has none such."""
    declared = any(state.name == case.known for state in world.lifecycle.states)
    return case.known if declared else UNKNOWN


def judge_legal(world: World, move: Move, **facts: Any) -> None:
    """Ask the machine; raises IllegalTransition."""
    world.machine.fire(Subject(move.source), move.trigger, **facts)


def note(world: World, case: Case, move: Move) -> dict[str, Any]:
    """What a person finds in the marker: why, when, by whom, what to do about it."""
    wall = world.clock.wall().isoformat(timespec="seconds")
    said = {"state": move.state, "how": move.how, "reason": move.reason, "at": wall}
    kept = {key: value for key, value in (move.fields or {}).items() if key in _NOTED and value}
    notes = [*case.history.notes, *kept.get("notes", ())]
    told = {**said, "by": move.by, **kept, **({"notes": notes} if notes else {})}
    return {**told, **_advice(world, case, move.state)}


_NOTED = ("run", "stage", "exit", "notes", "attempt")


def _advice(world: World, case: Case, state: str) -> dict[str, str]:
    if not world.lifecycle.state(state).error:
        return {}
    ezrec = f"ezrec --root {quote(str(world.root.path))}"
    mend = f"mend the cause, then remove this file or say: {ezrec} retry {case.id}"
    return {"what_to_do": mend, "more": f"{ezrec} why {case.id}"}


def _prepare_tell(world: World, case: Case, move: Move) -> Tell | None:
    if not world.hooks.find(f"on_{move.state}"):
        return None
    return world.tells.add(case.id, move.state, move.source, move.reason)


def _drop_tell(world: World, tell: Tell | None) -> None:
    if tell is not None:
        world.tells.remove(tell.run)


def _tell(world: World, tell: Tell | None) -> None:
    if tell is not None:
        deliver(world, tell)


def record_told(world: World, case: Case, move: Move, kind: str) -> None:
    """`record`, and tell the `on_<state>` hooks: a state reached without a commit.

    The first line of a journal is not waited for: where it is lost, the markers are met and journaled
    once more. Any later one is: without it, an earlier decision might be taken for a pending one.
    """
    tell = _prepare_tell(world, case, move)
    record(world, case, move, kind, durable=case.history.known is not None)
    _tell(world, tell)


def deliver(world: World, tell: Tell) -> bool:
    """Start the hooks that are told. Where there is no room for them, or nothing can be started just now,
    they are queued: False. The worker removes the tell when they have ended."""
    tells = world.tells
    if not tells.has_room() or not _begin(world, tell):
        tells.queue[tell.run] = tell
        return False
    tells.queue.pop(tell.run, None)
    tells.open.add(tell.run)
    return True


def _begin(world: World, tell: Tell) -> bool:
    with world.root.opened(tell.recording) as fd:
        try:
            world.runner.start(tell_launch(world, fd, tell), fd)
        except RunnerUnavailable as error:
            if tell.run not in world.tells.queue:
                log.warning("%s: on_%s is told later: %s", tell.recording, tell.state, error)
            return False
    return True


def deliver_left(world: World, case: Case, state: str) -> None:
    """Tell what was written down to be told of `state`, whose commit was cut off when it was reached."""
    if not world.hooks.find(f"on_{state}"):
        return
    begun = {*world.tells.open, *world.tells.queue}
    for tell in world.tells.waiting():
        if (tell.recording, tell.state) == (case.id, state) and tell.run not in begun:
            deliver(world, tell)


def forget_run(case: Case, run: str) -> None:
    """Remove the files of a run that is journaled."""
    case.place.forget(run)


def clear(world: World, case: Case, move: Move) -> None:
    """To `idle`: remove every marker, then journal it."""
    markers = [*world.lifecycle.markers, LOCK]
    case.place.remove([marker for marker in markers if marker in case.sighting.names])
    record_told(world, case, move, "push" if move.how == "push" else "state")
