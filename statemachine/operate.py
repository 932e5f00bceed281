"""What an operator does to one recording, with and without a daemon: push, retry, stop, hold, release.

Each acts under the lease where it can have it, and otherwise leaves a marker and ends the run, so that
whoever gets the lease next, the daemon or this process, finishes it the same way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ezrec.statemachine import files, starting
from ezrec.statemachine.commit import Move, clear, judge_legal, record_told, source_of
from ezrec.statemachine.errors import DirectoryRefused, IllegalTransition, Leased
from ezrec.statemachine.history import Run
from ezrec.statemachine.lifecycle import HOLD, IDLE, LOCK
from ezrec.statemachine.markers import mended_state
from ezrec.statemachine.names import quote
from ezrec.statemachine.place import note_bytes
from ezrec.statemachine.reconcile import Reconciled, nothing_starts, opened_case, reconcile, refusal
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.view import Case, facts_of
from ezrec.statemachine.world import World

_PATIENCE = 30.0
_LOOK_AGAIN = 0.05


def push(world: World, recording: str, state: str, by: str, reason: str = "") -> str:
    """Force `state`, whatever the state is now; the state that it came from.

    A stage that runs is ended first (TERM, its grace period, KILL). Raises Leased where the
    recording's lease does not come free in time (nothing was changed then but the marker), and
    DirectoryRefused where what stands there is no marker.
    """
    asked = {"by": by, "reason": reason}
    with opened_case(world, recording) as case:
        _refuse_odd(world, case)
        before, run = case.state, case.history.run
    deadline = time.monotonic() + _PATIENCE
    while not _try_push(world, recording, state, asked, run):
        settle(world, recording)
        if time.monotonic() > deadline:
            raise Leased(f"{recording} is still being worked on", f"see: ezrec why {recording}")
        time.sleep(_LOOK_AGAIN)
    return before


def _refuse_odd(world: World, case: Case) -> None:
    if case.sighting.odd:
        raise refusal(world, case, case.sighting.odd)


def _try_push(
    world: World, recording: str, state: str, asked: Mapping[str, str], ended: Run | None
) -> bool:
    """Whether it was done, by us or by the daemon; if not, the run that goes on is told to end.

    `ended` is the run that went on when the push began.
    """
    with opened_case(world, recording) as case:
        run = case.history.run
        if ended is not None and (run is None or run.id != ended.id):
            there = case.state if case.leased else case.known
            if there == state or _came_about(case, ended, state):
                return True
        if case.leased:
            _ask_runner(world, case, state, asked)
        elif run is None:
            force(world, case, state, asked)
            return True
    return False


def _came_about(case: Case, ended: Run, state: str) -> bool:
    """Whether the state was arrived at since that run began, and perhaps left again."""
    lines = iter(case.journal.read())
    begun = any(line["kind"] == "attempt" and line.get("run") == ended.id for line in lines)
    return begun and any(
        line["kind"] in ("push", "state") and line.get("state") == state for line in lines
    )


def _ask_runner(world: World, case: Case, state: str, asked: Mapping[str, str]) -> None:
    """Drop the marker as a hand would, then end the run that is going on."""
    marker = world.lifecycle.state(state).marker
    if marker and marker != LOCK and marker not in case.sighting.names:
        case.place.create(marker, {**asked, "state": state, "how": "push"})
    run = case.history.run
    if run is not None:
        if case.history.asked is None:
            case.journal.append("asked", durable=False, state=state, **asked)
        starting.cancel(case, run, "push" if marker not in (None, LOCK) else f"push:{state}")


def force(world: World, case: Case, state: str, asked: Mapping[str, str]) -> None:
    """Make `state` so, under the lease, where no run is open; `asked` says `by` whom and the `reason`."""
    move = Move(
        source=source_of(world, case),
        trigger=f"push_{state}",
        state=state,
        how="push",
        reason=asked["reason"],
        by=asked["by"],
    )
    judge_legal(world, move)
    marker = world.lifecycle.state(state).marker
    if marker is None:
        clear(world, case, move)
        return
    case.journal.make_room()
    _place_marker(world, case, marker, {**asked, "state": state, "how": "push"})
    record_told(world, case, move, "push")
    case.place.poke()


def _place_marker(world: World, case: Case, marker: str, note: Mapping[str, str]) -> None:
    """Rename the marker that stands there, or make one; then take away every other."""
    standing = [name for name in (*world.lifecycle.markers, LOCK) if name in case.sighting.names]
    if marker not in standing and standing:
        case.place.write_note(standing[0], note)
        case.place.rename(standing.pop(0), marker)
    elif marker not in standing:
        case.place.create(marker, note)
        return
    if standing:
        case.place.remove([name for name in standing if name != marker])


def retry(world: World, recording: str, by: str) -> str:
    """Start the attempts anew; an error goes back to the state it came from. The state it is in then."""
    with opened_case(world, recording) as case:
        _refuse_odd(world, case)
        if case.leased:
            raise Leased(f"{recording} is being worked on", "there is nothing to retry")
        state = next((each for each in world.lifecycle.states if each.name == case.state), None)
        if state is None or (not state.error and world.lifecycle.stage_from(state.name) is None):
            raise IllegalTransition(f"{recording} is {case.state}: there is nothing to retry")
        if not state.error:
            case.journal.append("retry", durable=True, by=by, content=case.sighting.content)
            case.place.poke()
            return state.name
        facts = facts_of(world.lifecycle, case.sighting, case.history, leased=False)
        target = mended_state(world.lifecycle, facts)
        force(world, case, target, {"by": by, "reason": ""})
        return target


def stop(world: World, recording: str, by: str) -> str | None:
    """End the stage that runs, gracefully; its name, or None where none does.

    What a lock's own stage has recorded is kept and goes on; any other is put on hold.
    """
    with opened_case(world, recording) as case:
        run = case.history.run
        lock = world.lifecycle.lock_state
        if run is None and not case.leased and lock is not None and case.state == lock.name:
            force(world, case, IDLE, {"by": by, "reason": "stopped before it began"})
            stage = world.lifecycle.stage_from(lock.name)
            return stage.name if stage else None
        if run is None or not case.leased:
            return None
        if lock is None or run.state != lock.name:
            _hold(case.place.fd, f"stopped by {by}")
        starting.cancel(case, run, "stop")
        return run.stage


def hold(world: World, recording: str, by: str, reason: str = "") -> bool:
    """Leave this recording alone until it is released; False where it was held already."""
    with world.root.opened(recording) as fd:
        return _hold(fd, reason or f"held by {by}")


def _hold(fd: int, reason: str) -> bool:
    try:
        files.create(fd, HOLD, note_bytes({"reason": reason}))
    except FileExistsError:
        return False
    return True


def release(world: World, recording: str) -> bool:
    """Take `.hold` away; False where there was none."""
    with world.root.opened(recording) as fd:
        try:
            return files.remove(fd, HOLD)
        except IsADirectoryError:
            path = quote(str(world.root.path / recording / HOLD))
            raise DirectoryRefused(f"{HOLD} is a directory", f"rm -r {path}") from None


def settle(world: World, recording: str) -> Reconciled:
    """Bring the recording to rest without starting anything."""
    return reconcile(world, recording, Settling(0.0), nothing_starts)
