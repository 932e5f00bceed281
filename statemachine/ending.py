"""Taking up the end of a run, under the lease. It may be cut off anywhere and done again."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

from ezrec.statemachine import processes, runs
from ezrec.statemachine.commit import (
    Move,
    clear,
    commit,
    forget_run,
    judge_legal,
    note,
    record_told,
)
from ezrec.statemachine.errors import Leased
from ezrec.statemachine.history import MAX_INTERRUPTIONS, Run
from ezrec.statemachine.judge import Ending, Outcome, judge
from ezrec.statemachine.lifecycle import IDLE, LOCK, Lifecycle, Stage
from ezrec.statemachine.runs import RunResult
from ezrec.statemachine.view import Case
from ezrec.statemachine.world import World

#: what the machine is short of for a moment
_LACKING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def take_up(world: World, case: Case, run: Run, result: RunResult | None) -> Outcome:
    """Journal how a run ended and move on; what is left of a run without an end is ended first.

    Raises Leased where something of it can't be ended.
    """
    if result is None or result.survivors:
        if left := processes.end(run.id):
            pids = ", ".join(map(str, left))
            raise Leased(
                f"blocked by pid {pids}, left by a run of {run.stage}", f"sudo kill -9 {pids}"
            )
        case = case._replace(sighting=case.place.look())
    stage = _stage(world.lifecycle, run)
    if stage is None:
        outcome = Outcome(
            result="interrupted", trigger="", reason="its stage is no longer declared"
        )
        _journal_end(world, case, run, result, outcome)
        world.minded.forget(run.id)
        return outcome
    outcome = judge(world.lifecycle, stage, case.history, _ending(world, case, run, result))
    _conclude(world, case, stage, run, result, outcome)
    world.minded.forget(run.id)
    return outcome


def _stage(lifecycle: Lifecycle, run: Run) -> Stage | None:
    return next((stage for stage in lifecycle.stages if stage.name == run.stage), None)


def _ending(world: World, case: Case, run: Run, result: RunResult | None) -> Ending:
    problem, unreadable = _judged_outputs(world, case, run) if _said_good(result) else ("", False)
    return Ending(
        run=run,
        result=result,
        payload=case.sighting.payload,
        outputs_problem=problem,
        outputs_unreadable=unreadable,
        same_boot=run.boot == world.clock.boot(),
        chance=world.chance(),
        begun=_begun(case, run),
        world_fault=world.minded.world_fault(run.id),
    )


def _begun(case: Case, run: Run) -> bool:
    """Whether the supervisor got as far as starting a hook."""
    progress = runs.read_progress(case.place.fd)
    return progress is not None and progress.run == run.id and progress.begun


def _said_good(result: RunResult | None) -> bool:
    return result is not None and result.exit == 0


def _judged_outputs(world: World, case: Case, run: Run) -> tuple[str, bool]:
    """What is wrong with them, and whether it is the disk that can't give them back: then they are made
    anew. For what the machine lacks (open files, memory) it is waited: raises OSError."""
    stage = world.lifecycle.stage(run.stage)
    try:
        return _outputs_problem(world, case, stage), False
    except OSError as error:
        if error.errno in _LACKING:
            raise
        return (
            f"an output of {stage.name} can't be read: {error.strerror}",
            error.errno in runs.WORLD,
        )


def _outputs_problem(world: World, case: Case, stage: Stage) -> str:
    """Raises OSError where they can't be read."""
    missing = [name for name in stage.outputs if name not in case.sighting.names]
    if missing:
        return f"{stage.name} exited 0 without its output {', '.join(missing)}"
    return world.verify(stage.name, case.place.fd)


def _conclude(
    world: World, case: Case, stage: Stage, run: Run, result: RunResult | None, outcome: Outcome
) -> None:
    move = Move(
        source=stage.working,
        trigger=outcome.trigger,
        state=outcome.to or stage.source,
        how=outcome.result,
        reason=outcome.reason,
        fields=_end_fields(world, case, run, result, outcome),
    )
    history = case.history
    spent = stage.attempts is not None and history.attempts >= stage.attempts
    facts = {
        "outputs_stand": outcome.result == "finished",
        "attempts_used_up": spent or history.interruptions >= MAX_INTERRUPTIONS,
    }
    judge_legal(world, move, **facts)
    if outcome.to is None:
        _journal_end(world, case, run, result, outcome)
    elif outcome.to in (IDLE, _lock_state(world.lifecycle)):
        _push(world, case, replace(move, how="push"))
        _journal_end(world, case, run, result, outcome)
    else:
        commit(world, case, stage.source, move)


def _push(world: World, case: Case, move: Move) -> None:
    """To `idle`, or to `.lock` alone: the states that nobody can push to by dropping a marker. Done
    while the run is still open in the journal: who is cut off here is asked for it once more."""
    if move.state == IDLE:
        clear(world, case, move)
        return
    try:
        case.place.create(LOCK, note(world, case, move))
    except FileExistsError:
        pass  # the run's own: it began from this state
    case.place.remove([name for name in world.lifecycle.markers if name in case.sighting.names])
    record_told(world, case, move, "push")


def _journal_end(
    world: World, case: Case, run: Run, result: RunResult | None, outcome: Outcome
) -> None:
    fields = _end_fields(world, case, run, result, outcome)
    case.journal.append("ended", durable=True, reason=outcome.reason, **fields)
    if _lock_state(world.lifecycle) not in (run.state, outcome.to):
        case.place.remove_lock()
    forget_run(case, run.id)


def _lock_state(lifecycle: Lifecycle) -> str:
    return lifecycle.lock_state.name if lifecycle.lock_state else ""


def _end_fields(
    world: World, case: Case, run: Run, result: RunResult | None, outcome: Outcome
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "run": run.id,
        "stage": run.stage,
        "attempt": run.attempt,
        "result": outcome.result,
        "content": case.sighting.content,
    }
    if result is not None:
        ended = {"exit": result.exit, "signal": result.signal, "ended_by": result.ended_by}
        fields |= {**ended, "seconds": result.seconds, "notes": list(result.notes)}
    if outcome.delay:
        fields["delay"] = outcome.delay
    if outcome.result == "parked":
        fields["setup"] = world.hooks.fingerprint(run.stage) + world.setup
    return fields


def give_up(world: World, case: Case, stage: Stage) -> None:
    """No attempts are left, and no ending says so (the configuration allows fewer now)."""
    reason = f"{case.history.attempts} attempts were made, {stage.attempts} are allowed"
    move = Move(
        source=stage.working,
        trigger=f"exhaust_{stage.name}",
        state=stage.exhausted,
        how="failed",
        reason=reason,
        fields={"stage": stage.name, "result": "failed", "content": case.sighting.content},
    )
    judge_legal(world, move, attempts_used_up=True)
    commit(world, case, stage.source, move)
