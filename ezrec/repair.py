"""What is inconsistent on a root, and the mending of it: `ezrec repair`.

Each directory is mended under its lease, and looked at under it. A dry run does the same over likenesses
of the directories, so that what it says and what a run says can't differ.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ezrec import document
from ezrec.errors import DataError
from ezrec.leftovers import leftovers
from ezrec.receipt import NAME as RECEIPT
from ezrec.statemachine import files, mends, repair
from ezrec.statemachine.errors import NoSuchRecording, StateMachineError
from ezrec.statemachine.history import history_of
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.mends import Mend, Who, by_hand
from ezrec.statemachine.names import free_name, quote
from ezrec.statemachine.nested import TOO_DEEP, mend_nested, nested
from ezrec.statemachine.place import Place, is_finished
from ezrec.statemachine.rehearsal import rehearsing
from ezrec.statemachine.scan import Found, Refusal, scan
from ezrec.statemachine.world import World

_OWN = frozenset({document.NAME, RECEIPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `repair` is to look at. `rehearse`: a dry run. `only`: these recordings (empty: the whole
    root). `seen` is what each recording held a while ago: one whose content has moved since is being
    written. `archive` is where videos go, `ezrec` how this root is named in a command."""

    rehearse: bool
    seen: dict[str, str]
    archive: Path
    ezrec: str = "ezrec"
    only: Collection[str] = ()


def repaired(world: World, plan: Plan) -> Iterator[Mend]:
    """Each mend, when it has been made; or, rehearsed, when it would have been. Raises OSError."""
    acting = rehearsing(world) if plan.rehearse else world
    if not plan.only:
        yield from leftovers(world.root, plan.archive, rehearse=plan.rehearse)
    taken: dict[Path, set[str]] = {}
    for met in scan(world.root):
        name = met.id if isinstance(met, Found) else _below(world, met)
        if not plan.only or name in plan.only:
            yield from _directory(acting, plan, met, name, taken)


def _below(world: World, refusal: Refusal) -> str:
    return str(Path(refusal.path).relative_to(world.root.path))


def _directory(
    world: World, plan: Plan, met: Found | Refusal, name: str, taken: dict[Path, set[str]]
) -> Iterator[Mend]:
    if isinstance(met, Refusal) and not met.misnamed:
        yield by_hand(name, met.problem, met.mend)
        return
    try:
        fd = (
            files.open_directory(world.root.path / name)
            if isinstance(met, Refusal)
            else world.root.open(name)
        )
    except NoSuchRecording:
        return
    except (StateMachineError, OSError) as error:
        yield _closed(world, name, error)
        return
    try:
        yield from _opened(world, plan, met, name, fd, taken)
    except OSError as error:
        wrong = f"it can't be mended: {error.strerror}"
        yield by_hand(name, wrong, f"ls -la {quote(str(world.root.path / name))}")
    finally:
        files.close(fd)


def _closed(world: World, name: str, error: Exception) -> Mend:
    hint = error.hint if isinstance(error, StateMachineError) else ""
    wrong = error.message if isinstance(error, StateMachineError) else "it may not be opened"
    return by_hand(name, wrong, hint or _chown(world.root.path / name))


def _chown(path: Path) -> str:
    return f'sudo chown -R "$(id -un)": {quote(str(path))}'


def _opened(
    world: World, plan: Plan, met: Found | Refusal, name: str, fd: int, taken: dict[Path, set[str]]
) -> Iterator[Mend]:
    if not files.try_lock(fd):
        yield _left(name, "it is being worked on")
        return
    if not _is_writable(world, fd):
        yield by_hand(name, "it may not be written", _chown(world.root.path / name))
        return
    reason = _reason_to_leave(world, plan, name, fd)
    if reason:
        yield _left(name, reason)
        return
    if isinstance(met, Refusal):
        mend, name = _renamed(world, plan, Path(met.path), taken)
        yield mend
    bench = repair.bench(world, name, fd, rehearse=plan.rehearse, own=_OWN, ezrec=plan.ezrec)
    yield from repair.mended(world, bench)
    yield from _by_hand(world, name, fd)


def _is_writable(world: World, fd: int) -> bool:
    """Not for want of rights: a file system that is read-only has been told of already."""
    if os.fstatvfs(world.root.fd).f_flag & os.ST_RDONLY:
        return True
    return os.access(f"/proc/self/fd/{fd}", os.W_OK | os.X_OK)


def _reason_to_leave(world: World, plan: Plan, name: str, fd: int) -> str:
    sighting = Place(fd, world.lifecycle).look()
    if sighting.hold:
        return "an operator holds it (.hold)"
    moved = name in plan.seen and plan.seen[name] != sighting.content
    return "something is being written into it" if moved else ""


def _left(name: str, why: str) -> Mend:
    return Mend(where=name, wrong=why, done="left alone", who=Who.NOBODY)


def _renamed(world: World, plan: Plan, path: Path, taken: dict[Path, set[str]]) -> tuple[Mend, str]:
    """Give the directory an allowed name that nothing bears; what it is called then."""
    there = taken.setdefault(path.parent, set(os.listdir(path.parent)))
    free = free_name(path.name, there)
    there.add(free)
    if not plan.rehearse:
        with files.directory(path.parent) as parent:
            files.rename_new(parent, path.name, free)
            files.sync(parent)
    root = world.root.path
    now = str((path.parent / free).relative_to(root))
    wrong, done = "its name can't be a recording's id", f"it is renamed {now}"
    return Mend(where=str(path.relative_to(root)), wrong=wrong, done=done), now


def _by_hand(world: World, name: str, fd: int) -> Iterator[Mend]:
    """What is said of a recording, and mended by a person."""
    path = world.root.path / name
    try:
        document.read(fd)
    except DataError as error:
        bad = quote(str(path / document.NAME))
        yield by_hand(name, error.message, f"mv -n -- {bad} {bad}.bad")
    for below in nested(world.lifecycle, fd):
        command = mend_nested(world.root.path, name, below)
        yield by_hand(name, TOO_DEEP.format(names=below), command)


def contents(world: World) -> dict[str, str]:
    """What directories hold now, in short: of those whose journal knows of other contents."""
    seen = {}
    for met in scan(world.root):
        if isinstance(met, Refusal) and not met.misnamed:
            continue
        name = met.id if isinstance(met, Found) else _below(world, met)
        try:
            with files.directory(world.root.path / name) as fd:
                place = Place(fd, world.lifecycle)
                if not is_finished(world.lifecycle, files.names(fd)) and (
                    moved := _moved(world, fd, place)
                ):
                    seen[name] = moved
        except OSError:
            continue  # it is told of when it is its turn
    return seen


def _moved(world: World, fd: int, place: Place) -> str:
    """Its content, where that is not the one that its journal has."""
    content = place.look().content
    try:
        known = history_of(Journal(fd, world.root.id, world.clock).read()).content
    except OSError:
        known = None
    return content if content != known else ""


def report(world: World, plan: Plan, told: list[Mend]) -> dict[str, object]:
    """The whole answer of `ezrec repair --json`."""
    rows = [
        {
            "where": mend.where,
            "wrong": mend.wrong,
            "done": mend.done,
            "by": mend.who.value,
            "command": mend.command or None,
        }
        for mend in told
    ]
    return {"root": str(world.root.path), "dry_run": plan.rehearse, "mends": rows}


def remaining(told: list[Mend]) -> int:
    """How many of them a person has to mend."""
    return sum(mend.who is mends.Who.PERSON for mend in told)
