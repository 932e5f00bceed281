"""What a root's file system can't do of what the promises stand on, found out by trying it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass

from ezrec.statemachine import calls, files
from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.root import OWN, Root

_PLACE = "probe"
#: how a kernel says that a file system has no such thing
UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that the file system does not do, and what may be lost for want of it. Nothing goes at all
    without what is `needed`."""

    what: str
    lost: str
    needed: bool = False


_RENAME = Lack(
    what="it can't rename without replacing",
    lost="a marker that is dropped in the moment of a transition may be overwritten",
)
FLOCK = Lack(
    what="it keeps no locks (flock)",
    lost="two programs may work on one recording at once, and work may be begun twice",
    needed=True,
)
_CASE = Lack(
    what="it takes names that differ in case for the same",
    lost="two recordings, or two of a recording's files, may become one",
)
EVENTS = Lack(
    what="no event comes back from it (inotify)",
    lost="a marker is noticed by the next scan only; `watch: poll` in ezrec.yaml asks for no more",
)
_SYNC = Lack(
    what="it can't bring a directory to the disk (fsync)",
    lost="a power cut may take states back that were reached, and repeat what was done",
    needed=True,
)


def refusal(root: Root, lacks: tuple[Lack, ...]) -> RootUnusable:
    """That this root is not worked on, and why."""
    told = "; ".join(lack.what for lack in lacks)
    hint = "put it on ext4 or the like"
    if not any(lack.needed for lack in lacks):
        hint += ", or take what may be lost: ezrec watch --unsafe-fs"
    return RootUnusable(f"the file system of {root.path} can't keep the promises: {told}", hint)


def probe(root: Root) -> tuple[Lack, ...]:
    """What is lacking. Raises OSError where it can't be tried at all just now (a full disk)."""
    with files.directory(".", root.fd) as top:
        files.make_directory(top, OWN)
        with files.directory(OWN, top) as own:
            files.remove_tree(own, _PLACE)
            calls.make_directory(own, _PLACE)
            try:
                with files.directory(_PLACE, own) as fd:
                    return tuple(lack for lack, keeps in _KEPT if not _tried(keeps, fd))
            finally:
                files.remove_tree(own, _PLACE)


def _tried(keeps: Callable[[int], bool], fd: int) -> bool:
    try:
        return keeps(fd)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise
        return False


def _keeps_what_is_there(fd: int) -> bool:
    for name in ("old", "new"):
        os.close(files.open_new(fd, name))
    try:
        calls.rename_new(fd, "old", "new", fd)
    except FileExistsError:
        calls.rename_new(fd, "old", "newer", fd)
        return True
    return False


def _keeps_locks(fd: int) -> bool:
    with files.directory(".", fd) as other:
        return files.try_lock(fd) and not files.try_lock(other)


def _keeps_case(fd: int) -> bool:
    os.close(files.open_new(fd, "case"))
    try:
        calls.status(fd, "CASE")
    except FileNotFoundError:
        return True
    return False


def _keeps_directories(fd: int) -> bool:
    files.sync(fd)
    return True


_KEPT = (
    (_RENAME, _keeps_what_is_there),
    (FLOCK, _keeps_locks),
    (_CASE, _keeps_case),
    (_SYNC, _keeps_directories),
)
