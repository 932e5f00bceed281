"""What the end of a run means for the recording. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from ezrec.statemachine.backoff import CAP, backoff
from ezrec.statemachine.history import MAX_INTERRUPTIONS, History, Run
from ezrec.statemachine.lifecycle import IDLE, Lifecycle, Stage
from ezrec.statemachine.runs import EX_DATAERR, EX_SETUP, EX_TEMPFAIL, RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """All that is known when a run is over. `result` is None where its supervisor left none.

    `outputs_problem` says what is missing of the stage's declared outputs (`outputs_unreadable`: the disk
    does not give them back, which is no fault of the hook's), `payload` whether there is
    something to work on, `same_boot` whether the run began in this boot, `begun` whether its supervisor
    told of a hook; `world_fault` is what the disk refused to the supervisor, which ended of it;
    `chance` is uniform in [0, 1).
    """

    run: Run
    result: RunResult | None
    payload: bool
    outputs_problem: str
    same_boot: bool
    chance: float
    outputs_unreadable: bool = False
    begun: bool = True
    world_fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`result` as the journal has it; `to` is the state that it leads to by `trigger`, or None: the
    recording stays, and is tried again after `delay` seconds. `reason` is one sentence."""

    result: str
    trigger: str
    to: str | None = None
    reason: str = ""
    delay: float = 0.0


def judge(lifecycle: Lifecycle, stage: Stage, history: History, ending: Ending) -> Outcome:
    """Weigh one ending. The run of `ending` is already counted in `history.attempts`."""
    outcome = _weigh(lifecycle, stage, history, ending)
    lock = lifecycle.lock_state
    worked = ending.begun or ending.result is not None  # else what there is, is not of this run
    kept = lock is not None and stage.source == lock.name and ending.payload and worked
    pushed = ending.run.cancelled is not None and ending.run.cancelled != "stop"
    if kept and outcome.to != stage.ok and outcome.result != "refused" and not pushed:
        reason = f"{outcome.reason}; what there is, is kept"
        return Outcome(result="salvaged", trigger="salvage", to=stage.ok, reason=reason)
    return outcome


def _weigh(lifecycle: Lifecycle, stage: Stage, history: History, ending: Ending) -> Outcome:
    result, run = ending.result, ending.run
    succeeded = result is not None and result.exit == 0 and result.ended_by != "limit"
    good = succeeded and not ending.outputs_problem
    if run.cancelled is not None and run.cancelled != "stop":
        return _cancelled(lifecycle, stage, run)
    if good:
        return Outcome(result="finished", trigger=f"finish_{stage.name}", to=stage.ok)
    if run.cancelled == "stop":
        return _stopped(lifecycle, stage)
    if result is None or result.ended_by == "signal":
        return _cut_off(stage, history, ending)
    return _by_exit(stage, history, ending, result)


def _cancelled(lifecycle: Lifecycle, stage: Stage, run: Run) -> Outcome:
    """A push to a state without a marker to be dropped is carried out when the run has ended."""
    for state in (IDLE, lifecycle.lock_state.name if lifecycle.lock_state else IDLE):
        if run.cancelled == f"push:{state}":
            reason = f"pushed to {state}"
            return Outcome(result="cancelled", trigger=f"push_{state}", to=state, reason=reason)
    return Outcome(result="cancelled", trigger=f"yield_{stage.name}", reason="a push ended it")


def _stopped(lifecycle: Lifecycle, stage: Stage) -> Outcome:
    """The lock's own stage would begin anew at once, against what was said; any other is on hold."""
    lock = lifecycle.lock_state
    own = lock is not None and stage.source == lock.name
    trigger, to = (f"push_{IDLE}", IDLE) if own else (f"yield_{stage.name}", None)
    return Outcome(result="cancelled", trigger=trigger, to=to, reason="stopped by hand")


def _cut_off(stage: Stage, history: History, ending: Ending) -> Outcome:
    """No fault of the hook's: a reboot, or somebody who ended everything. A kill counts."""
    told = ending.result is not None
    if told or not ending.same_boot:
        reason = "told to stop from outside" if told else "cut off by a restart of the machine"
        if history.interruptions < MAX_INTERRUPTIONS:
            return Outcome(result="interrupted", trigger=f"yield_{stage.name}", reason=reason)
        return _failed(stage, history, ending, f"{reason}, {MAX_INTERRUPTIONS} times", final=True)
    if ending.world_fault or not ending.begun:
        delay = _delay(stage, history.postponed + 1, ending.chance)
        reason = "no hook could be started (a full disk, or somebody ended what starts it)"
        if ending.world_fault:
            what = (
                "its end could not be written down" if ending.begun else "no hook could be started"
            )
            reason = f"{what}: {ending.world_fault}"
        return Outcome(
            result="postponed", trigger=f"yield_{stage.name}", reason=reason, delay=delay
        )
    return _failed(stage, history, ending, "its supervisor was killed")


def _by_exit(stage: Stage, history: History, ending: Ending, result: RunResult) -> Outcome:
    if result.exit == EX_DATAERR:
        reason = _said(result) or "the hook says that the input is bad for good (exit 65)"
        return Outcome(
            result="refused", trigger=f"refuse_{stage.name}", to=stage.refused, reason=reason
        )
    if result.exit == EX_TEMPFAIL and result.ended_by == "itself":
        delay = _delay(stage, history.postponed + 1, ending.chance)
        reason = _said(result) or "the hook says: not now (exit 75)"
        return Outcome(
            result="postponed", trigger=f"yield_{stage.name}", reason=reason, delay=delay
        )
    in_time = result.ended_by != "limit"
    if result.exit == 0 and in_time and ending.outputs_unreadable:
        delay = _delay(stage, history.postponed + 1, ending.chance)
        reason = f"{ending.outputs_problem}; it is made anew"
        return Outcome(
            result="postponed", trigger=f"yield_{stage.name}", reason=reason, delay=delay
        )
    if result.exit in EX_SETUP:
        reason = _said(result) or f"the set-up is wrong (exit {result.exit})"
        return Outcome(result="parked", trigger=f"yield_{stage.name}", reason=reason)
    reason = ending.outputs_problem if result.exit == 0 and in_time else _words(result)
    return _failed(stage, history, ending, reason)


def _failed(
    stage: Stage, history: History, ending: Ending, reason: str, *, final: bool = False
) -> Outcome:
    allowed = stage.attempts
    if final or (allowed is not None and history.attempts >= allowed):
        used = f"{reason} (attempt {history.attempts} of {allowed})" if not final else reason
        return Outcome(
            result="failed", trigger=f"exhaust_{stage.name}", to=stage.exhausted, reason=used
        )
    delay = _delay(stage, history.attempts, ending.chance)
    return Outcome(result="failed", trigger=f"yield_{stage.name}", reason=reason, delay=delay)


def _delay(stage: Stage, failures: int, chance: float) -> float:
    return round(backoff(stage.backoff, failures, chance, CAP).total_seconds(), 3)


def _said(result: RunResult) -> str:
    return result.notes[-1] if result.notes else ""


def _words(result: RunResult) -> str:
    if result.ended_by == "limit":
        return f"{result.command.rpartition('/')[2]} ran over its time limit and was ended"
    how = f"exited {result.exit}" if result.exit is not None else _signal(result.signal)
    said = f": {_said(result)}" if _said(result) else ""
    return f"{result.command.rpartition('/')[2]} {how}{said}"


def _signal(number: int | None) -> str:
    try:
        return f"was killed by {signal.Signals(number or 0).name}"
    except ValueError:
        return f"was killed by signal {number}"
