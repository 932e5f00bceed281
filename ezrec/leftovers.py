"""What dead processes have left in the root itself, and a mark that is missing from the archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ezrec.archive import MARK
from ezrec.describe import DOCUMENT
from ezrec.statemachine import files
from ezrec.statemachine.errors import DirectoryRefused, NameRefused, NoSuchRecording
from ezrec.statemachine.journal import DIRECTORY as LOGS
from ezrec.statemachine.journal import NAME as JOURNAL
from ezrec.statemachine.lifecycle import LOCK
from ezrec.statemachine.mends import Mend, by_hand
from ezrec.statemachine.names import quote
from ezrec.statemachine.root import OWN, Root
from ezrec.statemachine.tells import Tells

_BUILDING = "new-"
_BUILT = frozenset({DOCUMENT, LOCK, LOGS, JOURNAL})


def leftovers(root: Root, archive: Path, *, rehearse: bool) -> Iterator[Mend]:
    """Sweep what nobody can want; the rest is said. Raises OSError."""
    yield from _buildings(root, rehearse)
    yield from _tells(root, rehearse)
    if archive.is_dir() and not (archive / MARK).exists():
        wrong = f"it is to be the archive, and has no {MARK} (is its disk mounted?)"
        yield by_hand(str(archive), wrong, f"touch {quote(str(archive / MARK))}")


def _buildings(root: Root, rehearse: bool) -> Iterator[Mend]:
    """Recordings that `ezrec new` was making, and was killed; one that lives has a lock on them."""
    try:
        with files.directory(OWN, root.fd) as own:
            for name in sorted(n for n in files.names(own) if n.startswith(_BUILDING)):
                mend = _building(root, own, name, rehearse)
                if mend is not None:
                    yield mend
    except FileNotFoundError:
        return


def _building(root: Root, own: int, name: str, rehearse: bool) -> Mend | None:
    where, wrong = f"{OWN}/{name}", "left by an `ezrec new` that was killed"
    try:
        with files.directory(name, own) as fd:
            if not files.try_lock(fd):
                return None
            if not _is_ours(fd):
                path = quote(str(root.path / where))
                return by_hand(where, f"{wrong}, with something else in it", f"ls -laR {path}")
            if not rehearse:
                files.remove_tree(own, name)
    except NotADirectoryError:
        return None
    return Mend(where=where, wrong=wrong, done="removed")


def _is_ours(fd: int) -> bool:
    names = set(files.names(fd))
    if LOGS in names:
        try:
            with files.directory(LOGS, fd) as logs:
                names |= set(files.names(logs))
        except OSError:
            return False
    return names <= _BUILT


def _tells(root: Root, rehearse: bool) -> Iterator[Mend]:
    """What was still to be told of a recording that is gone."""
    tells = Tells(root)
    for tell in sorted(tells.waiting(), key=lambda each: each.run):
        try:
            with root.opened(tell.recording):
                continue
        except (NoSuchRecording, NameRefused):
            wrong = f"on_{tell.state} was still to be told of {tell.recording}, which is gone"
        except (DirectoryRefused, OSError):
            continue
        if not rehearse:
            tells.remove(tell.run)
        yield Mend(where=f"{OWN}/tells/{tell.run}", wrong=wrong, done="removed")
