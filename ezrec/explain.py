"""A snapshot in words: what is being done, why not, and what comes next. Pure."""

from __future__ import annotations

from typing import assert_never

from ezrec.statemachine import decide
from ezrec.statemachine.decide import Decision
from ezrec.statemachine.lifecycle import Lifecycle, Stage
from ezrec.statemachine.snapshot import Snapshot


def stage_of(lifecycle: Lifecycle, shot: Snapshot) -> Stage | None:
    """The stage that runs or is next, if any is."""
    run = shot.history.run if shot.history and shot.leased else None
    if run is not None:
        return next((stage for stage in lifecycle.stages if stage.name == run.stage), None)
    return lifecycle.stage_from(shot.case.state if shot.case else shot.state)


def attempt_of(shot: Snapshot) -> int:
    """The attempt that runs, or how many have been made."""
    if shot.history is None:
        return 0
    return shot.history.run.attempt if shot.history.run else shot.history.attempts


def reason_of(shot: Snapshot) -> str:
    """Why it is not further, in one sentence; empty where there is nothing to explain."""
    if shot.problem:
        return shot.problem
    history = shot.history
    if history is None or shot.decision is None:
        return ""
    match shot.decision:
        case decide.Wait(seconds, pause):
            return f"{pause.reason}; again in {duration(seconds)}"
        case decide.Park(_, reason):
            return f"parked: {reason}"
        case decide.Settle():
            return "waiting until its files stand still"
        case decide.Leave() | decide.Held():
            return history.reason or "; ".join(history.notes)
        case _:
            return ""


def doing(lifecycle: Lifecycle, shot: Snapshot, daemon: bool) -> str:
    """What happens in it just now, in a few words."""
    if shot.problem:
        return "can't be taken"
    stage = stage_of(lifecycle, shot)
    if shot.leased:
        return _running(shot, stage)
    if shot.held:
        return "held"
    return _pending(shot.decision, stage, daemon) if shot.decision else ""


def _running(shot: Snapshot, stage: Stage | None) -> str:
    if stage is None:
        return "somebody has its lease"
    percent = shot.progress.percent if shot.progress else None
    told = f" {percent:.0f} %" if percent is not None else ""
    held = ", then held" if shot.held else ""
    return f"{stage.name}{told}, attempt {attempt_of(shot)}{of(stage)}{held}"


def of(stage: Stage) -> str:
    """` of 3`, or nothing where there is no end to it."""
    return f" of {stage.attempts}" if stage.attempts else ""


def _pending(decision: Decision, stage: Stage | None, daemon: bool) -> str:
    name = stage.name if stage else ""
    match decision:
        case decide.Wait():
            return f"{name} is tried again"
        case decide.Park():
            return f"{name} is parked"
        case decide.Settle():
            return "settling"
        case decide.Start() | decide.GiveUp():
            return f"{name} is next" if daemon else f"{name} waits for ezrec watch"
        case decide.TakeUp() | decide.Tidy():
            return "to be taken up" if daemon else "waits for ezrec watch"
        case decide.Leave() | decide.Held() | decide.Refuse() | decide.Watch():
            return ""
        case decide.Cancel() | decide.PutBack():
            return ""
        case other:
            assert_never(other)


def duration(seconds: float) -> str:
    """A length of time for people: `4 s`, `12 min`, `3 h`."""
    if seconds < 100:
        return f"{max(0, round(seconds))} s"
    if seconds < 6000:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"
