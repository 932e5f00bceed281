"""Read the disk, decide, act: the one code path, whatever woke it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import assert_never

from ezrec.statemachine import decide, ending, files, starting, tidying
from ezrec.statemachine.decide import Decision
from ezrec.statemachine.errors import DirectoryRefused, RootUnusable
from ezrec.statemachine.history import Run
from ezrec.statemachine.judge import Outcome
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.names import quote
from ezrec.statemachine.place import Place
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.view import Case, look, view_of
from ezrec.statemachine.world import World

log = logging.getLogger("ezrec")
_ROUNDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Where one recording stands when there is nothing more to do for it now.

    `started` is the run that was begun, `again` in how many seconds to look again (None: when
    something changes), `queued` the stage that waits for room.
    """

    id: str
    state: str
    decision: Decision
    started: str | None = None
    again: float | None = None
    queued: Stage | None = None


#: (recording, stage) -> whether it may start now, and whether at idle priority
Admit = Callable[[str, Stage], tuple[bool, bool]]


@contextmanager
def opened_case(world: World, recording: str) -> Iterator[Case]:
    """The recording looked at, under its lease where that is free (`case.leased` says it is not)."""
    place = Place(world.root.open(recording), world.lifecycle)
    try:
        yield look(world, recording, place, leased=not files.try_lock(place.fd))
    finally:
        place.close()


def reconcile(world: World, recording: str, settling: Settling, admit: Admit) -> Reconciled:
    """Act until nothing more is to be done just now. Raises StateMachineError, OSError: the recording
    is as it was before the act that failed, or further."""
    for _ in range(_ROUNDS):
        with opened_case(world, recording) as case:
            reconciled = _step(world, case, settling, admit)
        if reconciled is not None:
            return reconciled
    return Reconciled(id=recording, state=case.state, decision=decide.Watch(None), again=1.0)


def _step(world: World, case: Case, settling: Settling, admit: Admit) -> Reconciled | None:
    """One decision and its act; None where it is worth looking again at once."""
    left = settling.seen(case.id, case.sighting.content, world.clock.seconds())
    decision = decide.decide(view_of(world, case, quiet=left <= 0))
    if not isinstance(decision, decide.Settle):
        settling.forget(case.id)
    return _act(world, case, decision, left, admit)


def _act(
    world: World, case: Case, decision: Decision, left: float, admit: Admit
) -> Reconciled | None:
    match decision:
        case decide.TakeUp(run, None) if world.minded.is_awaited(run.id):
            starting.wake(case, run)
            return _rest(case, decide.Watch(run), again=decide.LOOK_AGAIN)
        case decide.TakeUp(run, result):
            _say_outcome(case, run, ending.take_up(world, case, run, result))
            return None
        case decide.Tidy(resolution):
            tidying.tidy(world, case, resolution)
            return None
        case decide.GiveUp(stage):
            ending.give_up(world, case, stage)
            return None
        case decide.PutBack(state):
            tidying.put_back(world, case, state)
            return None
        case decide.Cancel(run):
            starting.cancel(case, run, run.cancelled or "push")
            _end_overdue(world, case, run)
            return _rest(case, decision, again=decide.LOOK_AGAIN)
        case decide.Refuse(found):
            raise refusal(world, case, found)
        case decide.Start(stage, attempt):
            return _start(world, case, decision, stage, attempt, admit)
        case decide.Settle():
            return _rest(case, decision, again=max(left, 0.05))
        case decide.Watch(run):
            _end_overdue(world, case, run)
            return _rest(case, decision, again=decide.LOOK_AGAIN)
        case decide.Wait(seconds, _):
            return _rest(case, decision, again=seconds)
        case decide.Leave() | decide.Held() | decide.Park():
            return _rest(case, decision)
        case other:
            assert_never(other)


def _end_overdue(world: World, case: Case, run: Run | None) -> None:
    if run is None:
        return
    starting.wake(case, run)
    over = decide.overdue(world.lifecycle, run, world.clock.boot(), world.clock.seconds())
    if over > decide.OVERDUE:
        killed = starting.end_supervisor(case, run)
        if world.minded.is_newly_overdue(run.id):
            what = "is killed" if killed else "is gone, but somebody holds its lease"
            log.warning(
                "%s: %s has outlived its limit: its supervisor %s", case.id, run.stage, what
            )
    if over > decide.ABANDONED:
        starting.end_nursery(case, run)


def _say_outcome(case: Case, run: Run, outcome: Outcome) -> None:
    """A line for what did not lead on; what did is told as a change of state."""
    if outcome.to is None and outcome.result != "cancelled":
        again = f"; again in {outcome.delay:.0f} s" if outcome.delay else ""
        log.warning("%s: %s %s: %s%s", case.id, run.stage, outcome.result, outcome.reason, again)


def _start(
    world: World, case: Case, decision: Decision, stage: Stage, attempt: int, admit: Admit
) -> Reconciled:
    room, idle = admit(case.id, stage)
    if not room:
        return Reconciled(id=case.id, state=case.state, decision=decision, queued=stage)
    if not world.root.is_still_there():
        raise RootUnusable(f"the root {world.root.path} is gone", "nothing starts until it is back")
    run = starting.start(world, case, stage, attempt, idle)
    log.info("%s: %s started, attempt %d", case.id, stage.name, attempt)
    return Reconciled(id=case.id, state=stage.working, decision=decision, started=run)


def _rest(case: Case, decision: Decision, again: float | None = None) -> Reconciled:
    return Reconciled(id=case.id, state=case.state, decision=decision, again=again)


def refusal(world: World, case: Case, found: tuple[str, ...]) -> DirectoryRefused:
    """That `found` bear markers' names and are none, with the command that mends it."""
    paths = " ".join(quote(str(world.root.path / case.id / name)) for name in found)
    what = f"{', '.join(found)} in {case.id} is no marker (a link, a directory, a FIFO, or hard-linked)"
    return DirectoryRefused(what, f"rm -r {paths}")


def nothing_starts(_recording: str, _stage: Stage) -> tuple[bool, bool]:
    """An Admit for those who tidy up and start nothing: the command line."""
    return False, False
