"""One recording explained in words: the state and how it is known, what failed last, what comes next,
and the exact command that would unblock it. Pure: everything it says is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from ezrec.explain import duration, of, stage_of
from ezrec.statemachine import decide
from ezrec.statemachine.history import Run
from ezrec.statemachine.lifecycle import IDLE, LOCK, UNKNOWN, Lifecycle, Stage
from ezrec.statemachine.markers import How
from ezrec.statemachine.names import quote
from ezrec.statemachine.snapshot import Snapshot
from ezrec.text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that the answer is made from. `again` is how this root is named in a command; `lines` is the
    journal, oldest first; `copied`: there is one, and it came with a copy; `log` the last lines of the
    stage that failed last; `hold` what stands in `.hold`; `blockers` pids left by a dead run."""

    lifecycle: Lifecycle
    shot: Snapshot
    daemon: bool
    again: str = "ezrec"
    lines: Sequence[Mapping[str, Any]] = ()
    copied: bool = False
    log: Sequence[str] = ()
    hold: str = ""
    blockers: Sequence[int] = ()


def answer(question: Question) -> str:
    """The whole text, a fact on each line; a command to be copied has the rest of its line."""
    shot = question.shot
    lines = [
        f"{shot.id} can't be taken." if shot.problem else f"{shot.id} is {shot.state}.",
        *_known(question),
        *_lease(question),
        *_failure(question),
        *_next(question),
    ]
    return "\n".join(map(printable, lines))


def _known(question: Question) -> Iterator[str]:
    shot, case = question.shot, question.shot.case
    if case is None or shot.problem:
        return
    stands = f"{_and(shot.markers)} stand{'s' if len(shot.markers) == 1 else ''} there"
    what = stands if shot.markers else "no marker stands there"
    yield f"Known by: {what}; {_how(question, case.resolution.how)}."
    if question.copied:
        yield "Its journal came with a copy of another directory: it is history, and decides nothing."
    if case.resolution.stale_lock and case.history.run is None:
        yield f"Its {LOCK} is stale, for nobody works in it: it is removed."


def _how(question: Question, how: How) -> str:
    history = question.shot.history
    settled = how is How.SETTLED and history is not None and history.known is None
    return "it has no journal of its own" if settled else _HOW[how]


_HOW = {
    How.SETTLED: "the journal agrees",
    How.FOUND: "it has no journal of its own, so it is taken as it stands",
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


def _lease(question: Question) -> Iterator[str]:
    shot = question.shot
    run = shot.history.run if shot.history else None
    if question.blockers:
        pids = " ".join(map(str, question.blockers))
        yield f"Lease: free, but blocked by pid {pids}, left by a run that died."
        yield "  a daemon ends what it may; what it may not: " + f"sudo kill -9 {pids}"
    elif not shot.leased:
        if not shot.problem:
            yield "Lease: free, nobody works in it."
    elif run is None:
        yield "Lease: taken, somebody looks at it just now."
    else:
        yield _worker(question, run)


def _worker(question: Question, run: Run) -> str:
    shot, progress = question.shot, question.shot.progress
    stage = stage_of(question.lifecycle, shot)
    where = f" (supervisor {progress.supervisor}, hook {progress.hook})" if progress else ""
    percent = progress.percent if progress else None
    told = f", {percent:.0f} % done" if percent is not None else ""
    return f"Lease: held by {run.stage}, attempt {run.attempt}{of(stage) if stage else ''}{where}{told}."


def _failure(question: Question) -> Iterator[str]:
    line = last_failure(question.lines)
    if line is None:
        reason = question.shot.history.reason if question.shot.history else ""
        if reason and question.shot.state:
            yield f"Reason given: {_sentence(reason)}"
        return
    attempt = f", attempt {line['attempt']}" if line.get("attempt") else ""
    code = f", exit {line['exit']}" if line.get("exit") is not None else ""
    when = str(line.get("at", ""))[:19]
    told = f"{line.get('stage', 'work')}{attempt}, {line.get('result')}{code}, at {when}"
    yield f"Last trouble: {told}: {_sentence(str(line.get('reason') or 'no reason was given'))}"
    for text in question.log:
        yield f"  | {text}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


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
            yield f"Next: nothing, {_and(found)} is in the way."
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
