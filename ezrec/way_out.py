"""What happens next to a recording and when, and the exact command that would unblock it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ezrec.explain import duration, of, stage_of
from ezrec.question import Question
from ezrec.statemachine import decide
from ezrec.statemachine.lifecycle import IDLE, LOCK, UNKNOWN, Lifecycle, Stage
from ezrec.statemachine.markers import How
from ezrec.statemachine.names import quote
from ezrec.text import listed


def what_comes_next(question: Question) -> Iterator[str]:
    """A fact on each line, and the ways out below the fact that they belong to."""
    shot = question.shot
    if shot.problem:
        yield f"Next: nothing, {shot.problem}."
        yield from _way_out(question)
    elif shot.decision is None or _is_finished(question):
        yield from _left(question)
    else:
        yield from _by_decision(question, shot.decision)
        if not question.daemon and isinstance(shot.decision, _ACTS):
            yield "But no daemon runs."
            yield f"  to start one: {question.again} watch"


_ACTS = decide.TakeUp | decide.Tidy | decide.Start | decide.Settle | decide.Wait | decide.GiveUp


def _is_finished(question: Question) -> bool:
    """A final marker without a journal: there would only be something to journal."""
    shot, case = question.shot, question.shot.case
    found = case is not None and case.resolution.how is How.FOUND and len(shot.markers) == 1
    return found and not shot.held and question.lifecycle.is_final(shot.state)


def _by_decision(question: Question, decision: decide.Decision) -> Iterator[str]:
    match decision:
        case decide.Watch() | decide.Cancel() | decide.PutBack():
            yield from _running(question)
        case decide.Held():
            yield f"Next: nothing, it is held{f': {question.hold}' if question.hold else ''}."
            yield from _ways(
                question, ("to go on", "{ezrec} release {id}"), ("or", "rm {path}/.hold")
            )
        case decide.Wait(seconds, pause):
            uncounted = (
                " (this is not counted as an attempt)" if pause.result == "postponed" else ""
            )
            yield f"Next: {pause.stage} is tried again in {duration(seconds)}{uncounted}."
            yield from _ways(question, ("to try at once", "{ezrec} retry {id}"))
        case decide.Park(stage, reason):
            yield f"Next: {stage.name} is parked until its hook or the configuration changes."
            yield f"  the cause: {reason}"
            yield from _ways(question, ("when that is mended", "{ezrec} retry {id}"))
        case decide.Settle():
            yield "Next: when its files have stood still for a while, it is taken up."
            if question.shot.state != IDLE:
                again = f"{{ezrec}} push {{id}} {question.shot.state}"
                yield from _ways(question, ("not to wait for that", again))
        case decide.Start(stage, attempt):
            yield f"Next: {stage.name}, attempt {attempt}{of(stage)}, as soon as there is room for it."
        case decide.GiveUp(stage):
            yield f"Next: it becomes {stage.exhausted}, its attempts are used up."
        case decide.TakeUp(run, _):
            yield f"Next: the end of {run.stage}, attempt {run.attempt}, is taken up."
        case decide.Tidy(resolution):
            follows = question.lifecycle.stage_from(resolution.state)
            then = f", then {follows.name} begins" if follows else ""
            yield f"Next: it is taken up as {resolution.state}{then}."
        case decide.Refuse(found):
            yield f"Next: nothing, {listed(found)} is in the way."
            yield from _way_out(question)
        case decide.Leave():
            yield from _left(question)
        case other:
            assert_never(other)


def _running(question: Question) -> Iterator[str]:
    stage = stage_of(question.lifecycle, question.shot)
    if stage is None:
        yield "Next: it is looked at again in a moment."
        return
    yield f"Next: when {stage.name} has ended well, it becomes {stage.ok}."
    if question.shot.held:
        yield f"Then nothing: it is held{f': {question.hold}' if question.hold else ''}."
        yield from _ways(question, ("to go on after that", "{ezrec} release {id}"))
    yield from _ways(question, (f"to end {stage.name} now", "{ezrec} stop {id}"))


def _left(question: Question) -> Iterator[str]:
    shot = question.shot
    if shot.state == IDLE:
        yield "Next: nothing, somebody is filling the directory."
        yield from _ways(question, *_beginnings(question.lifecycle))
    elif shot.state == UNKNOWN:
        yield "Next: nothing, until ezrec.yaml declares the stage of that marker again."
        yield from _ways(question, ("or push it elsewhere", _anew(question.lifecycle)))
    elif question.lifecycle.state(shot.state).error:
        yield "Next: nothing, until an operator has mended the cause."
        yield from _ways(question, ("then", "{ezrec} retry {id}"), *_removal(question))
    else:
        yield "Next: nothing, it is finished."
        yield from _ways(question, ("to do its work again", _anew(question.lifecycle)))


def _beginnings(lifecycle: Lifecycle) -> Iterator[tuple[str, str]]:
    first = _first_stage(lifecycle)
    if first is not None:
        yield "when the footage is there", f"touch {{path}}/{lifecycle.state(first.source).marker}"
    if lifecycle.lock_state is not None:
        yield "or, to record", f"touch {{path}}/{LOCK}"


def _anew(lifecycle: Lifecycle) -> str:
    first = _first_stage(lifecycle)
    return f"{{ezrec}} push {{id}} {first.source if first else IDLE}"


def _first_stage(lifecycle: Lifecycle) -> Stage | None:
    """The first one that works on what is there."""
    lock = lifecycle.lock_state
    source = lifecycle.stage_from(lock.name) if lock else None
    if source is not None:
        return lifecycle.stage_from(source.ok)
    return next(iter(lifecycle.stages), None)


def _removal(question: Question) -> Iterator[tuple[str, str]]:
    """Removing an error marker means a retry where the journal knows of the error."""
    history = question.shot.history
    if history is not None and history.known == question.shot.state:
        yield "or", f"rm {{path}}/{question.lifecycle.state(question.shot.state).marker}"


def _ways(question: Question, *ways: tuple[str, str]) -> Iterator[str]:
    path, recording = quote(str(question.shot.path)), quote(question.shot.id)
    for words, command in ways:
        yield f"  {words}: {command.format(ezrec=question.again, id=recording, path=path)}"


def _way_out(question: Question) -> Iterator[str]:
    shot = question.shot
    if shot.mend:
        yield f"  way out: {shot.mend}"
    if isinstance(shot.decision, decide.Refuse):
        states = (question.lifecycle.by_marker(name) for name in shot.decision.names)
        meant = next((state for state in states if state is not None), None)
        if meant is not None:
            again = f"{{ezrec}} push {{id}} {meant.name}"
            yield from _ways(question, (f"then, if {meant.name} was meant", again))
