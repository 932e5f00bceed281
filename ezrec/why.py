"""One recording explained in words: the state and how it is known, what failed last, what comes next,
and the exact command that would unblock it. Pure: everything it says is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from ezrec.explain import attempt_of, duration, of, stage_of
from ezrec.statemachine import decide
from ezrec.statemachine.lifecycle import IDLE, LOCK, UNKNOWN, Lifecycle
from ezrec.statemachine.markers import How
from ezrec.statemachine.names import quote
from ezrec.statemachine.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that the answer is made from. `lines` is the journal, oldest first; `log` the last lines of
    the stage that failed last; `hold` what stands in `.hold`; `blockers` pids left by a dead run."""

    lifecycle: Lifecycle
    shot: Snapshot
    root: str
    daemon: bool
    lines: Sequence[Mapping[str, Any]] = ()
    log: Sequence[str] = ()
    hold: str = ""
    blockers: Sequence[int] = ()


def answer(question: Question) -> str:
    """The whole text, some paragraphs of a line or a few each."""
    shot = question.shot
    paragraphs = [
        f"{shot.id} is {shot.state}." if shot.state else f"{shot.id} can't be taken.",
        _known(question),
        _lease(question),
        *_failure(question),
        *_next(question),
    ]
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


def _known(question: Question) -> str:
    shot, case = question.shot, question.shot.case
    if case is None:
        return f"Known by: the marker {shot.markers[0]} stands there." if shot.markers else ""
    stands = f"{_and(shot.markers)} stand{'s' if len(shot.markers) == 1 else ''} there"
    what = stands if shot.markers else "no marker stands there"
    return f"Known by: {what}; {_HOW[case.resolution.how]}."


_HOW = {
    How.SETTLED: "the journal agrees",
    How.FOUND: "it has no journal, so it is taken as it stands",
    How.PUSHED: "the journal knows another state, so somebody pushed it",
    How.TIED: "a crash came in between, so the earlier of the two counts",
    How.ARRIVED: "the journal knows that it was on the way there",
    How.RESUMED: "the journal has decided it, and the marker is renamed next",
    How.SALVAGED: "nobody records, and there is footage, so the footage is good",
    How.ASKED: "there is no footage, so it asks to be recorded",
    How.MENDED: "the error marker was removed, so it is tried again",
    How.CLEARED: "the marker was removed, so it is left alone",
    How.PUT_BACK: "work runs, so its marker is put back",
    How.UNKNOWN: "the journal's last marker is not declared by this lifecycle",
}


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _lease(question: Question) -> str:
    shot = question.shot
    run = shot.history.run if shot.history else None
    if question.blockers:
        pids = " ".join(map(str, question.blockers))
        return (
            f"Lease: free, but blocked by pid {pids}, left by a run that died: sudo kill -9 {pids}"
        )
    if not shot.leased:
        return "Lease: free, nobody works in it." if not shot.problem else ""
    if run is None:
        return "Lease: taken, somebody is looking at it just now."
    progress = shot.progress
    where = f" (supervisor {progress.supervisor}, hook {progress.hook})" if progress else ""
    percent = progress.percent if progress else None
    told = f", {percent:.0f} % done" if percent is not None else ""
    stage = stage_of(question.lifecycle, shot)
    return f"Lease: held by {run.stage}, attempt {run.attempt}{of(stage) if stage else ''}{where}{told}."


def _failure(question: Question) -> Iterator[str]:
    line = last_failure(question.lines)
    if line is None:
        return
    when = str(line.get("at", ""))[:19]
    code = f", exit {line['exit']}" if line.get("exit") is not None else ""
    stage, attempt = line.get("stage", "work"), line.get("attempt", "?")
    reason = line.get("reason") or "no reason was given"
    yield f"Last trouble: {stage}, attempt {attempt}, {line.get('result')}{code} ({when}): {reason}"
    for text in question.log:
        yield f"  | {text}"


def last_failure(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The last ending that was no success and came after the last success, or None."""
    for line in reversed(lines):
        if line.get("kind") == "ended":
            good = line.get("result") in ("finished", "cancelled", "resumed")
            return None if good else line
    return None


def _next(question: Question) -> Iterator[str]:
    shot = question.shot
    if shot.problem:
        yield f"Next: nothing, {shot.problem}."
        yield from _way_out(shot.mend)
        return
    if shot.decision is None:
        yield "Next: nothing, it is finished."
        yield from _ways(question, ("to do its work again", "ezrec push {id} recorded"))
        return
    yield from _by_decision(question, shot.decision)
    acts = decide.TakeUp | decide.Tidy | decide.Start | decide.Settle | decide.Wait | decide.GiveUp
    if not question.daemon and isinstance(shot.decision, acts):
        yield "But no daemon runs."
        yield from _way_out(f"ezrec --root {quote(question.root)} watch")


def _by_decision(question: Question, decision: decide.Decision) -> Iterator[str]:
    match decision:
        case decide.Watch() | decide.Cancel() | decide.PutBack():
            yield from _running(question)
        case decide.Held():
            yield f"Next: nothing, it is held{f': {question.hold}' if question.hold else ''}."
            yield from _ways(
                question, ("to go on", "ezrec release {id}"), ("or", "rm {path}/.hold")
            )
        case decide.Wait(seconds, pause):
            yield f"Next: {pause.stage} is tried again in {duration(seconds)}."
            yield from _ways(question, ("to try at once", "ezrec retry {id}"))
        case decide.Park(stage, reason):
            yield f"Next: {stage.name} is parked until its hook or the configuration changes: {reason}"
            yield from _ways(question, ("when it is mended", "ezrec retry {id}"))
        case decide.Settle():
            yield "Next: it is waited for until its files have stood still, then it is taken up."
        case decide.Start(stage, attempt):
            yield f"Next: {stage.name}, attempt {attempt}{of(stage)}, as soon as there is room for it."
        case decide.GiveUp(stage):
            yield f"Next: it becomes {stage.exhausted}, its attempts are used up."
        case decide.TakeUp(run, _):
            yield f"Next: the end of {run.stage}, attempt {run.attempt}, is taken up."
        case decide.Tidy(resolution):
            yield f"Next: it becomes {resolution.state}."
        case decide.Refuse(found):
            yield f"Next: nothing, {_and(found)} is in the way."
            yield from _way_out(question.shot.mend)
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
    yield from _ways(question, (f"to end {stage.name} now", "ezrec stop {id}"))


def _left(question: Question) -> Iterator[str]:
    shot = question.shot
    if shot.state == IDLE:
        yield "Next: nothing, somebody is filling the directory."
        ways = [("when the footage is there", "touch {path}/.done")]
        if question.lifecycle.lock_state is not None:
            ways.append(("or, to record", f"touch {{path}}/{LOCK}"))
        yield from _ways(question, *ways)
    elif shot.state == UNKNOWN:
        yield "Next: nothing, until the lifecycle declares that marker again (stages: in ezrec.yaml)."
        yield from _ways(question, ("or push it elsewhere", "ezrec push {id} recorded"))
    elif question.lifecycle.state(shot.state).error:
        marker = question.lifecycle.state(shot.state).marker
        reason = shot.history.reason if shot.history and not attempt_of(shot) else ""
        yield f"Next: nothing, until an operator has mended the cause{f' ({reason})' if reason else ''}."
        yield from _ways(question, ("then", "ezrec retry {id}"), ("or", f"rm {{path}}/{marker}"))
    else:
        yield "Next: nothing, it is finished."
        yield from _ways(question, ("to do its work again", "ezrec push {id} recorded"))


def _ways(question: Question, *ways: tuple[str, str]) -> Iterator[str]:
    for words, command in ways:
        path = quote(str(question.shot.path))
        yield f"  {words}: {command.format(id=quote(question.shot.id), path=path)}"


def _way_out(command: str) -> Iterator[str]:
    if command:
        yield f"  way out: {command}"
