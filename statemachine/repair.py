"""Mending one recording under its lease: look, take the first mend, do it, look again.

A dry run is the same over a rehearsed directory, so what it says is what a run does.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from ezrec.statemachine import (
    ending,
    files,
    journal,
    lines,
    mends,
    operate,
    processes,
    runs,
    tidying,
)
from ezrec.statemachine.decide import Tidy
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.history import Run
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.mends import Act, Condition, Mend, MoveAside
from ezrec.statemachine.names import quote
from ezrec.statemachine.place import Entry, Place
from ezrec.statemachine.rehearsal import RehearsedJournal, RehearsedPlace
from ezrec.statemachine.view import Case, case_of
from ezrec.statemachine.world import World

_ROUNDS = 64
_BY = "ezrec repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One recording to be mended. `own` are the documents that ezrec replaces whole, `ezrec` is how
    this root is named in a command."""

    id: str
    place: Place
    journal: Journal
    own: frozenset[str]
    ezrec: str


def bench(
    world: World, recording: str, fd: int, *, rehearse: bool, own: frozenset[str], ezrec: str
) -> Bench:
    """The recording behind the leased descriptor `fd`, or, to `rehearse`, its likeness."""
    place, book = (RehearsedPlace, RehearsedJournal) if rehearse else (Place, Journal)
    return Bench(
        id=recording,
        place=place(fd, world.lifecycle),
        journal=book(fd, world.root.id, world.clock),
        own=own,
        ezrec=ezrec,
    )


def mended(world: World, bench: Bench) -> Iterator[Mend]:
    """Each mend when it has been made; at the end what can't be made here. Raises OSError."""
    for _ in range(_ROUNDS):
        unfit = _mend_unfit(bench)
        if unfit is not None:
            yield unfit
            continue
        case = case_of(world, bench.id, bench.place, bench.journal, leased=False)
        condition = _condition(world, bench, case)
        act = mends.next_act(condition)
        if act is None:
            yield from _remarks(world, bench, condition)
            return
        try:
            yield _made(world, bench, case, condition, act)
        except StateMachineError as error:
            yield mends.by_hand(bench.id, str(error), f"{bench.ezrec} why {quote(bench.id)}")
            return


def _mend_unfit(bench: Bench) -> Mend | None:
    """Move aside what keeps the journal itself from being read and written."""
    entries, logs = dict(bench.place.entries()), dict(bench.place.log_entries())
    home, book = entries.get(journal.DIRECTORY), logs.get(journal.NAME)
    if home is not None and not stat.S_ISDIR(home.st_mode):
        to = mends.free_aside(journal.DIRECTORY, frozenset(entries))
        bench.place.rename(journal.DIRECTORY, to)
        wrong, done = f"{journal.DIRECTORY} is no directory", f"it is moved aside, to {to}"
    elif book is not None and not files.is_plain(book):
        to = mends.free_aside(journal.NAME, frozenset(logs))
        bench.place.renew_journal(to)
        wrong = f"{journal.DIRECTORY}/{journal.NAME} is no file with one link"
        done = f"it is kept as {journal.DIRECTORY}/{to}, and what it holds goes on in a new one"
    else:
        return None
    return Mend(where=bench.id, wrong=wrong, done=done)


def _condition(world: World, bench: Bench, case: Case) -> Condition:
    entries = bench.place.entries()
    return Condition(
        lifecycle=world.lifecycle,
        odd=case.sighting.odd,
        names=case.sighting.names,
        files=_regular(entries),
        logs=_regular(bench.place.log_entries()),
        payload=case.sighting.payload,
        history=case.history,
        resolution=case.resolution,
        torn=lines.is_torn(bench.journal.content()),
        blockers=_blockers(case.place.fd, case.history.run),
        unsound=_unsound(world, case),
        own=bench.own,
    )


def _regular(entries: list[Entry]) -> frozenset[str]:
    return frozenset(name for name, status in entries if stat.S_ISREG(status.st_mode))


def _blockers(fd: int, run: Run | None) -> tuple[int, ...]:
    """Processes are ended by a daemon or a person, never by `repair`."""
    if run is None:
        return ()
    result = runs.read_result(fd, run.id)
    return tuple(processes.bearing(run.id)) if result is None or result.survivors else ()


def _unsound(world: World, case: Case) -> str:
    stage = mends.claimed_by(world.lifecycle, case.state)
    if stage is None or case.sighting.odd or case.history.run is not None:
        return ""
    missing = [name for name in stage.outputs if name not in case.sighting.names]
    try:
        return f"there is no {missing[0]}" if missing else world.verify(stage.name, case.place.fd)
    except OSError as error:
        return f"{', '.join(stage.outputs)} can't be read ({error.strerror})"


def _made(world: World, bench: Bench, case: Case, condition: Condition, act: Act) -> Mend:
    _make(world, case, act)
    after = case_of(world, bench.id, bench.place, bench.journal, leased=False)
    wrong, done = mends.said(condition, act, after.state)
    return Mend(where=bench.id, wrong=wrong, done=done)


def _make(world: World, case: Case, act: Act) -> None:
    match act:
        case MoveAside(name, to, again):
            case.place.rename(name, to)
            if again:
                case.place.create(name, {"by": _BY, "how": f"what stood here is {to} now"})
        case mends.CloseTail():
            case.journal.close_tail()
        case mends.Conclude(run):
            ending.take_up(world, case, run, runs.read_result(case.place.fd, run.id))
        case Tidy(resolution):
            tidying.tidy(world, case, resolution)
        case mends.SendBack(stage, unsound):
            operate.force(world, case, stage.source, {"by": _BY, "reason": unsound})
        case mends.Sweep(names, logs):
            case.place.remove(list(names))
            case.place.remove_logs(list(logs))


def _remarks(world: World, bench: Bench, condition: Condition) -> Iterator[Mend]:
    path = quote(str(world.root.path / bench.id))
    yield from mends.remarks(bench.id, condition, path, bench.ezrec)
    content = bench.journal.content()
    if damaged := lines.damaged(content):
        yield mends.damage(bench.id, len(lines.decode(content)), damaged)
