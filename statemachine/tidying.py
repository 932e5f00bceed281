"""Making the disk and the journal say what the markers mean. Each act may be cut off and done again."""

from __future__ import annotations

from dataclasses import replace

from ezrec.statemachine.commit import (
    Move,
    clear,
    commit,
    deliver_left,
    forget_run,
    judge_legal,
    record,
    record_told,
    source_of,
)
from ezrec.statemachine.errors import IllegalTransition
from ezrec.statemachine.lifecycle import IDLE, LOCK, UNKNOWN
from ezrec.statemachine.markers import How, Resolution
from ezrec.statemachine.view import Case, pending_of
from ezrec.statemachine.world import World


def put_back(world: World, case: Case, state: str) -> None:
    """A marker was removed while work runs: make it again."""
    marker = world.lifecycle.state(state).marker or LOCK
    try:
        case.place.create(
            marker, {"state": state, "by": "ezrec", "how": "put back: work is running"}
        )
    except FileExistsError:
        pass


def tidy(world: World, case: Case, resolution: Resolution) -> None:
    """Make the disk and the journal say what the markers mean."""
    _TIDIES[resolution.how](world, case, resolution)


def _move(case: Case, resolution: Resolution, trigger: str, source: str = "") -> Move:
    how = resolution.how.value
    return Move(source=source or case.known, trigger=trigger, state=resolution.state, how=how)


def _remove_lost(world: World, case: Case, resolution: Resolution) -> None:
    lost = [world.lifecycle.state(name).marker or LOCK for name in resolution.remove]
    case.place.remove([*lost, *([LOCK] if resolution.stale_lock else [])])


def _settle(world: World, case: Case, resolution: Resolution) -> None:
    _remove_lost(world, case, resolution)


def _find(world: World, case: Case, resolution: Resolution) -> None:
    _newcomer(world, case, resolution, "find", IDLE, "state")


def _push(world: World, case: Case, resolution: Resolution) -> None:
    _newcomer(world, case, resolution, "push", source_of(world, case), "push")


def _newcomer(
    world: World, case: Case, resolution: Resolution, verb: str, source: str, kind: str
) -> None:
    state, by, reason = case.history.asked or ("", "", "")
    if state != resolution.state:
        by, reason = "a dropped marker" if verb == "push" else "ezrec", ""
    found = _move(case, resolution, f"{verb}_{resolution.state}", source)
    move = replace(found, by=by, reason=reason)
    judge_legal(world, move)
    case.journal.make_room()
    _remove_lost(world, case, resolution)
    record_told(world, case, replace(move, how=verb), kind)


def _arrive(world: World, case: Case, resolution: Resolution) -> None:
    move = decided_move(world, case, resolution)
    _remove_lost(world, case, resolution)  # syncs: the rename may not have reached the disk
    record(world, case, move, "state", durable=False)
    _forget_last(case)
    deliver_left(world, case, move.state)


def _resume(world: World, case: Case, resolution: Resolution) -> None:
    move = decided_move(world, case, resolution)
    if commit(world, case, case.known, replace(move, fields={"result": "resumed"})):
        _forget_last(case)


def _forget_last(case: Case) -> None:
    if case.history.last_run:
        forget_run(case, case.history.last_run)


def decided_move(world: World, case: Case, resolution: Resolution) -> Move:
    """The edge by which a journaled decision leads from the known to the pending state; legal."""
    stage = world.lifecycle.stage_from(case.known)
    sources = {case.known, stage.working if stage else case.known}
    for edge in world.lifecycle.transitions:
        if edge.target == resolution.state and edge.source in sources:
            move = _move(case, resolution, edge.trigger, edge.source)
            judge_legal(world, move, outputs_stand=True, attempts_used_up=True)
            return move
    if source_of(world, case) == UNKNOWN:
        move = _move(case, resolution, f"push_{resolution.state}", UNKNOWN)
        judge_legal(world, move)
        return move
    raise IllegalTransition(f"nothing leads from {case.known!r} to {resolution.state!r}")


def _salvage(world: World, case: Case, resolution: Resolution) -> None:
    lock = _lock_name(world)
    move = replace(_move(case, resolution, "salvage", lock), reason="its recorder was gone")
    judge_legal(world, move)
    fields = {"result": "salvaged", "content": case.sighting.content}
    commit(world, case, lock, replace(move, fields=fields))


def _lock_name(world: World) -> str:
    return world.lifecycle.lock_state.name if world.lifecycle.lock_state else ""


def _ask(world: World, case: Case, resolution: Resolution) -> None:
    move = _move(case, resolution, "ask", source_of(world, case))
    judge_legal(world, move)
    case.journal.make_room()
    _remove_lost(world, case, resolution)
    record_told(world, case, move, "state")


def _mend(world: World, case: Case, resolution: Resolution) -> None:
    # a decision for the error may be all there is
    error = pending_of(world.lifecycle, case.history) or case.known
    move = _move(case, resolution, f"mend_{resolution.state}", error)
    judge_legal(world, move)
    _remove_lost(world, case, resolution)
    marker = world.lifecycle.state(resolution.state).marker
    if marker:
        case.place.create(marker, {"state": resolution.state, "how": "error marker removed"})
    record_told(world, case, move, "state")


def _clear(world: World, case: Case, resolution: Resolution) -> None:
    move = _move(case, resolution, "clear", source_of(world, case))
    judge_legal(world, move)
    clear(world, case, move)


_TIDIES = {
    How.SETTLED: _settle,
    How.FOUND: _find,
    How.PUSHED: _push,
    How.TIED: _push,
    How.ARRIVED: _arrive,
    How.RESUMED: _resume,
    How.SALVAGED: _salvage,
    How.ASKED: _ask,
    How.MENDED: _mend,
    How.CLEARED: _clear,
}
