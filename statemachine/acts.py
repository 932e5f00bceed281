"""Doing what was decided, under the lease. Each act may be cut off anywhere and done again."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from ezrec.statemachine import processes, runs
from ezrec.statemachine.commit import (
    Move,
    clear,
    commit,
    forget_run,
    judge_legal,
    record,
    record_told,
)
from ezrec.statemachine.errors import IllegalTransition, Leased, RunnerUnavailable
from ezrec.statemachine.history import MAX_INTERRUPTIONS, Run
from ezrec.statemachine.judge import Ending, Outcome, judge
from ezrec.statemachine.launch import stage_launch
from ezrec.statemachine.lifecycle import IDLE, LOCK, UNKNOWN, Lifecycle, Stage
from ezrec.statemachine.markers import How, Resolution
from ezrec.statemachine.runs import RunResult
from ezrec.statemachine.view import Case
from ezrec.statemachine.world import World


def start(world: World, case: Case, stage: Stage, attempt: int, idle: bool) -> str:
    """Journal the attempt durably, make `.lock`, hand the lease to a supervisor. The run's id.

    Raises RunnerUnavailable, OSError: the attempt is journaled as interrupted where it can be.
    """
    move = Move(
        source=stage.source, trigger=f"start_{stage.name}", state=stage.working, how="start"
    )
    judge_legal(world, move, leased=not case.leased)
    run = runs.new_run_id()
    launch = stage_launch(world, case, stage, run, attempt, idle)
    told = {"run": run, "stage": stage.name, "state": stage.source, "attempt": attempt}
    case.journal.append("attempt", durable=True, **told)
    try:
        _mark_locked(world, case, told)
        world.runner.start(launch, case.place.fd)
    except (RunnerUnavailable, OSError) as error:
        case.journal.append("ended", durable=True, result="interrupted", reason=str(error), **told)
        raise
    return run


def _mark_locked(world: World, case: Case, told: dict[str, Any]) -> None:
    """`.lock`, for people and downstream scripts: it need not survive a power cut."""
    if not case.sighting.lock:
        note = {**told, "at": world.clock.wall().isoformat(timespec="seconds")}
        case.place.create(LOCK, note, durable=False)


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
        case = replace(case, sighting=case.place.look())
    stage = _stage(world.lifecycle, run)
    if stage is None:
        outcome = Outcome(
            result="interrupted", trigger="", reason="its stage is no longer declared"
        )
        _journal_end(world, case, run, result, outcome)
        return outcome
    outcome = judge(world.lifecycle, stage, case.history, _ending(world, case, run, result))
    _conclude(world, case, stage, run, result, outcome)
    return outcome


def _stage(lifecycle: Lifecycle, run: Run) -> Stage | None:
    return next((stage for stage in lifecycle.stages if stage.name == run.stage), None)


def _ending(world: World, case: Case, run: Run, result: RunResult | None) -> Ending:
    stage = world.lifecycle.stage(run.stage)
    return Ending(
        run=run,
        result=result,
        payload=case.sighting.payload,
        outputs_problem=_outputs_problem(world, case, stage) if _said_good(result) else "",
        same_boot=run.boot == world.clock.boot(),
        chance=world.chance(),
    )


def _said_good(result: RunResult | None) -> bool:
    return result is not None and result.exit == 0


def _outputs_problem(world: World, case: Case, stage: Stage) -> str:
    missing = [name for name in stage.outputs if name not in case.sighting.names]
    if missing:
        return f"{stage.name} exited 0 without its output {', '.join(missing)}"
    try:
        return world.verify(stage.name, case.place.fd)
    except OSError as error:
        return f"an output of {stage.name} can't be read: {error.strerror}"


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
    elif outcome.to == IDLE:
        _journal_end(world, case, run, result, outcome)
        clear(world, case, replace(move, how="push"))
    elif commit(world, case, stage.source, move):
        forget_run(case, run.id)


def _journal_end(
    world: World, case: Case, run: Run, result: RunResult | None, outcome: Outcome
) -> None:
    fields = _end_fields(world, case, run, result, outcome)
    case.journal.append("ended", durable=True, reason=outcome.reason, **fields)
    if run.state != _lock_state(world.lifecycle):
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


def cancel(case: Case, run: Run, why: str) -> None:
    """Journal that the run is to stop, then tell its supervisor; said again, it does no harm."""
    if run.cancelled is None:
        case.journal.append("cancel", durable=True, run=run.id, why=why)
    progress = runs.read_progress(case.place.fd)
    if progress is not None and progress.run == run.id:
        processes.signal_exactly(progress.supervisor, progress.started, signal.SIGTERM)
    else:
        for pid in processes.bearing(run.id):
            processes.kill(pid, signal.SIGTERM)


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
    declared = any(state.name == case.known for state in world.lifecycle.states)
    _newcomer(world, case, resolution, "push", case.known if declared else UNKNOWN, "push")


def _newcomer(
    world: World, case: Case, resolution: Resolution, verb: str, source: str, kind: str
) -> None:
    by = "a dropped marker" if verb == "push" else "ezrec"
    move = replace(_move(case, resolution, f"{verb}_{resolution.state}", source), by=by)
    judge_legal(world, move)
    _remove_lost(world, case, resolution)
    record_told(world, case, replace(move, how=verb), kind)


def _arrive(world: World, case: Case, resolution: Resolution) -> None:
    move = decided_move(world, case, resolution)
    _remove_lost(world, case, resolution)
    record(world, case, move, "state", durable=True)
    _forget_last(case)


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
    raise IllegalTransition(f"nothing leads from {case.known!r} to {resolution.state!r}")


def _salvage(world: World, case: Case, resolution: Resolution) -> None:
    lock = _lock_state(world.lifecycle)
    move = replace(_move(case, resolution, "salvage", lock), reason="its recorder was gone")
    judge_legal(world, move)
    fields = {"result": "salvaged", "content": case.sighting.content}
    commit(world, case, lock, replace(move, fields=fields))


def _ask(world: World, case: Case, resolution: Resolution) -> None:
    move = _move(case, resolution, "ask")
    judge_legal(world, move)
    record_told(world, case, move, "state")


def _mend(world: World, case: Case, resolution: Resolution) -> None:
    move = _move(case, resolution, f"mend_{resolution.state}")
    judge_legal(world, move)
    _remove_lost(world, case, resolution)
    marker = world.lifecycle.state(resolution.state).marker
    if marker:
        case.place.create(marker, {"state": resolution.state, "how": "error marker removed"})
    record_told(world, case, move, "state")


def _clear(world: World, case: Case, resolution: Resolution) -> None:
    move = _move(case, resolution, "clear")
    if case.known != IDLE and any(s.name == case.known for s in world.lifecycle.states):
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
