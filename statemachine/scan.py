"""The scan: every directory below a root that is a recording, or that can't be one."""

import os
from collections.abc import Iterator
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from ezrec.statemachine import files, names
from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.root import Root


class Found(NamedTuple):
    """A directory that a scan met: its id, and a token that changes when an entry comes or goes."""

    id: str
    token: int


class Refusal(NamedTuple):
    """A directory that can't be a recording, why, and the one command that mends it."""

    path: str
    problem: str
    mend: str
    #: whether nothing but its name is in the way
    misnamed: bool = False


def scan(root: Root, *, tokens: bool = True) -> Iterator[Found | Refusal]:
    """Every directory one or two levels below the root; a stat for each, no listing of any. Without
    `tokens` not even that.

    Raises RootUnusable where the root itself can't be listed.
    """
    try:
        listing = _listed(root.path)
    except OSError as error:
        raise RootUnusable(
            f"the root {root.path} can't be listed: {error.strerror}",
            "mend that, it is tried again",
        ) from error
    for entry in listing:
        if entry.name.startswith(".") or entry.name in root.reserved:
            continue
        if names.is_date(entry.name) and entry.is_dir(follow_symlinks=False):
            yield from _scan_date(root, entry.name, tokens)
        elif (met := _met(entry, listing, root.path, "", tokens)) is not None:
            yield met


def _scan_date(root: Root, name: str, tokens: bool) -> list[Found | Refusal]:
    """Through a descriptor: what is a link by now is not listed."""
    date = root.path / name
    try:
        with files.directory(name, root.fd) as fd:
            listing = _listed(fd)
            misplaced = any(below.is_file(follow_symlinks=False) for below in listing)
            shown = [below for below in listing if not below.name.startswith(".")]
            met = [_met(below, listing, date, f"{name}/", tokens) for below in shown]
            found = [each for each in met if each is not None]
            taken = {below.name for below in listing}
            return [_misplaced(str(date), taken), *found] if misplaced else found
    except FileNotFoundError:
        return []
    except OSError as error:
        mend = f'sudo chown -R "$(id -un)": {names.quote(str(date))}'
        return [Refusal(str(date), f"it can't be listed: {error.strerror}", mend)]


def _misplaced(date: str, taken: set[str]) -> Refusal:
    """Somebody took a date for a recording: what lies in it would never be looked at. It goes into a
    directory of its own: what another one holds may have the same names."""
    free = next(name for n in count(1) if (name := f"recording-{n}") not in taken)
    into = names.quote(f"{date}/{free}")
    moved = f"find {names.quote(date)} -maxdepth 1 -type f -exec mv -n -t {into} {{}} +"
    problem = "a directory named by a date holds recordings, and files lie directly in it"
    return Refusal(date, problem, f"mkdir {into} && {moved}")


def _met(
    entry: os.DirEntry[str], beside: list[os.DirEntry[str]], above: Path, prefix: str, tokens: bool
) -> Found | Refusal | None:
    try:
        if entry.is_dir(follow_symlinks=False) and names.is_name(entry.name):
            token = entry.stat(follow_symlinks=False).st_mtime_ns if tokens else 0
            return Found(prefix + entry.name, token)
        return _refused(entry, beside, str(above / entry.name))
    except FileNotFoundError:
        return None
    except OSError as error:
        path = str(above / entry.name)
        return Refusal(
            path, f"it can't be looked at: {error.strerror}", f"ls -ld {names.quote(path)}"
        )


def _refused(entry: os.DirEntry[str], beside: list[os.DirEntry[str]], path: str) -> Refusal | None:
    if entry.is_dir(follow_symlinks=False):
        mend = names.mend_name(path, entry.name, {each.name for each in beside})
        return Refusal(path, "its name can't be a recording's id", mend, misnamed=True)
    if entry.is_symlink() and entry.is_dir():
        return Refusal(path, "a link is never followed", f"rm {names.quote(path)}")
    return None


def _listed(path: Path | int) -> list[os.DirEntry[str]]:
    with os.scandir(path) as listing:
        return sorted(listing, key=attrgetter("name"))
