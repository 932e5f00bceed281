"""One recording explained in words: the state and how it is known, what failed last, what comes next,
and the exact command that would unblock it. Pure: everything it says is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ezrec.explain import of, stage_of
from ezrec.question import Question
from ezrec.statemachine.history import Run
from ezrec.statemachine.lifecycle import LOCK
from ezrec.statemachine.markers import How
from ezrec.text import listed, printable
from ezrec.way_out import what_comes_next


def answer(question: Question) -> str:
    """The whole text, a fact on each line; a command to be copied has the rest of its line."""
    shot = question.shot
    lines = [
        f"{shot.id} can't be taken." if shot.problem else f"{shot.id} is {shot.state}.",
        *_known(question),
        *_lease(question),
        *_noted(question),
        *_failure(question),
        *what_comes_next(question),
    ]
    return "\n".join(map(printable, lines))


def _known(question: Question) -> Iterator[str]:
    shot, case = question.shot, question.shot.case
    if case is None or shot.problem:
        return
    stands = f"{listed(shot.markers)} stand{'s' if len(shot.markers) == 1 else ''} there"
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


def _noted(question: Question) -> Iterator[str]:
    """What the hooks wanted to be known: a camera left out, a shortfall."""
    history = question.shot.history
    for note in dict.fromkeys(history.notes if history else ()):
        yield f"Noted: {_sentence(note)}"


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
