"""What `repair` finds in one recording, as values: what is wrong, what is done, in which words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ezrec.statemachine.decide import Tidy
from ezrec.statemachine.facts import How, Resolution
from ezrec.statemachine.history import History, Run
from ezrec.statemachine.lifecycle import LOCK, Lifecycle, Stage

_CUT_OFF = (How.TIED, How.ARRIVED, How.RESUMED, How.SALVAGED)
_DEAD = re.compile(r"\.ezrec-(\d+[a-z.]|poke-\d+$).*")
_RUN = re.compile(r"\.run-.*|\.progress(\.partial)?")
ASIDE = ".ezrec-aside"


class Who(Enum):
    """Who mends it."""

    EZREC = "ezrec"  #: `repair` itself
    PERSON = "person"  #: an operator, with the command
    NOBODY = "nobody"  #: it is only said


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """One thing that is wrong: `where` is a recording's id or a path below the root, `wrong` and `done`
    are clauses, `command` is what a person has to say (empty where there is nothing to do by hand)."""

    where: str
    wrong: str
    done: str
    who: Who = Who.EZREC
    command: str = ""


@dataclass(frozen=True, slots=True)
class MoveAside:
    """`name` is not what its name says: it is kept as `to`. `again`: a plain marker takes its place."""

    name: str
    to: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class CloseTail:
    """The journal's last line has no end."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """A run is over, and nobody has taken up its end."""

    run: Run


@dataclass(frozen=True, slots=True)
class SendBack:
    """The state claims an output that is not there: back to where `stage` makes it anew."""

    stage: Stage
    unsound: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Files that a dead run has left, in the recording and in its logs."""

    names: tuple[str, ...]
    logs: tuple[str, ...]


Act = MoveAside | CloseTail | Conclude | Tidy | SendBack | Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """All that is looked at in one recording whose journal can be read. `unsound` is what is wrong with
    the output that its state claims, `blockers` are processes that a dead run has left, `own` names of
    documents that are written by ezrec alone, and replaced whole."""

    lifecycle: Lifecycle
    odd: tuple[str, ...]
    names: frozenset[str]
    files: frozenset[str]
    logs: frozenset[str]
    payload: bool
    history: History
    resolution: Resolution
    torn: bool
    blockers: tuple[int, ...]
    unsound: str
    own: frozenset[str]


def next_act(condition: Condition) -> Act | None:
    """The first thing that can be mended here without a person."""
    if condition.odd:
        return _aside(condition, condition.odd[0])
    if condition.torn:
        return CloseTail()
    if condition.history.run is not None:
        return None if condition.blockers else Conclude(condition.history.run)
    if _is_untidy(condition.resolution):
        return Tidy(condition.resolution)
    return _send_back(condition) or _sweep(condition)


def _aside(condition: Condition, name: str) -> MoveAside:
    again = name in condition.files or condition.history.marker == name
    return MoveAside(name, free_aside(name, condition.names), again)


def free_aside(name: str, taken: frozenset[str]) -> str:
    """What `name` is called when it is moved aside: nothing that is there bears this name."""
    plain = "." + name.lstrip(".")
    number = 1
    while (free := f"{ASIDE}{f'-{number}' if number > 1 else ''}{plain}") in taken:
        number += 1
    return free


def _is_untidy(resolution: Resolution) -> bool:
    if resolution.how is How.UNKNOWN:
        return False
    return resolution.how in _CUT_OFF or bool(resolution.remove) or resolution.stale_lock


def claimed_by(lifecycle: Lifecycle, state: str) -> Stage | None:
    """The stage whose outputs a recording in this state claims to have."""
    return next((stage for stage in lifecycle.stages if stage.ok == state), None)


def _send_back(condition: Condition) -> SendBack | None:
    state = condition.resolution.state
    stage = claimed_by(condition.lifecycle, state)
    final = condition.lifecycle.is_final(state)
    if stage is None or final or not condition.unsound or not condition.payload:
        return None
    return SendBack(stage, condition.unsound)


def _sweep(condition: Condition) -> Sweep | None:
    outputs = {f"{o}.partial" for stage in condition.lifecycle.stages for o in stage.outputs}
    outputs |= {f".{name}.partial" for name in condition.own}
    names = [n for n in condition.files if n in outputs or _DEAD.fullmatch(n)]
    logs = [n for n in condition.logs if _RUN.fullmatch(n)]
    return Sweep(tuple(sorted(names)), tuple(sorted(logs))) if names or logs else None


def said(condition: Condition, act: Act, outcome: str) -> tuple[str, str]:
    """What is wrong and what is done, in words; `outcome` is the state that an act has led to."""
    match act:
        case MoveAside(name, to, again):
            then = ", and a plain marker takes its place" if again else ""
            return (
                f"{name} is no marker (a link, a directory, a FIFO, or hard-linked)",
                f"it is moved aside, to {to}{then}",
            )
        case CloseTail():
            return "the last line of its journal is torn", "the line is ended; what it holds stays"
        case Conclude(run):
            wrong = f"the end of {run.stage}, attempt {run.attempt}, was never taken up"
            return wrong, f"it is taken up, and the recording is {outcome}"
        case Tidy(resolution):
            return _tidied(condition, resolution)
        case SendBack(stage, unsound):
            wrong = f"it is {stage.ok}, but {unsound}"
            return wrong, f"it goes back to {stage.source}, and {stage.name} is done again"
        case Sweep(names, logs):
            left = [*names, *(f"logs/{name}" for name in logs)]
            return f"left by a run that is dead: {', '.join(left)}", "removed"


def _tidied(condition: Condition, resolution: Resolution) -> tuple[str, str]:
    lifecycle = condition.lifecycle
    lost = sorted(lifecycle.state(name).marker or LOCK for name in resolution.remove)
    lost += [LOCK] if resolution.stale_lock else []
    gone = f"; removed: {', '.join(lost)}" if lost else ""
    wrong = _WRONG.get(resolution.how, "")
    if not wrong:
        wrong = "more than one marker stands there" if resolution.remove else f"its {LOCK} is stale"
    return wrong, f"it is {resolution.state}{gone}"


_WRONG = {
    How.TIED: "two of its own markers stand there: it was cut off in between",
    How.ARRIVED: "its journal does not know yet of its state: it was cut off in between",
    How.RESUMED: "its journal has decided, its marker does not say so: it was cut off in between",
    How.SALVAGED: f"nobody holds its {LOCK}, and there is something to work on",
}


def remarks(where: str, condition: Condition, path: str, ezrec: str) -> Iterator[Mend]:
    """What is wrong where nothing more can be mended by ezrec."""
    state, run = condition.resolution.state, condition.history.run
    if run is not None and condition.blockers:
        pids = " ".join(map(str, condition.blockers))
        wrong = f"a dead run of {run.stage} has left processes behind: {pids}"
        yield by_hand(where, wrong, f"sudo kill -9 {pids}")
    elif condition.resolution.how is How.UNKNOWN:
        wrong = f"{condition.history.marker} is a state that the configuration does not declare"
        yield by_hand(where, wrong, f"{ezrec} push {where} STATE")
    elif condition.unsound:
        yield _unsound(where, condition, state, path, ezrec)


def _unsound(where: str, condition: Condition, state: str, path: str, ezrec: str) -> Mend:
    wrong = f"it is {state}, but {condition.unsound}"
    stage = claimed_by(condition.lifecycle, state)
    if stage is None or condition.lifecycle.is_final(state):
        again = f"; to do it again: {ezrec} push {where} {stage.source}" if stage else ""
        return Mend(where=where, wrong=wrong, done=f"left as it is{again}", who=Who.NOBODY)
    return by_hand(where, f"{wrong}; and there is nothing to make it of", f"ls -la {path}")


def by_hand(where: str, wrong: str, command: str) -> Mend:
    """Something that only a person can mend."""
    return Mend(where=where, wrong=wrong, done="by hand", who=Who.PERSON, command=command)


def damage(where: str, whole: int, damaged: int) -> Mend:
    """Of a journal that can't be read in full."""
    wrong = f"{damaged} of {whole + damaged} lines of its journal are damaged"
    return Mend(where=where, wrong=wrong, done="they are passed over, and kept", who=Who.NOBODY)


def lines(mend: Mend) -> list[str]:
    """A line for people, and below it the command where a person has to say one."""
    told = f"{mend.where}: {mend.wrong}: {mend.done}"
    return [told, f"  {mend.command}"] if mend.command else [told]
