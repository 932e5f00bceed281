"""Making a directory a station's root, with all that belongs there."""

from __future__ import annotations

from pathlib import Path

from ezrec.archive import make_archive
from ezrec.config.sample import sample
from ezrec.scene import ARCHIVE, HOOKS, RESERVED
from ezrec.statemachine import files
from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.root import MARK, Root, make_root
from ezrec.statemachine.scan import Found, Refusal, scan

CONFIG = "ezrec.yaml"


def make_station(root: Path) -> list[str]:
    """Make what is missing; a line for each thing, saying whether it was there. Raises RootUnusable."""
    if root.exists() and not root.is_dir():
        raise RootUnusable(f"{root} is a file", "name a directory")
    if not str(root).isprintable():
        hint = "choose a name of printable characters"
        raise RootUnusable(f"{root} can't be written in a configuration", hint)
    was_there = {name: (root / name).exists() for name in (MARK, CONFIG, HOOKS, ARCHIVE)}
    make_root(root)
    try:
        with files.directory(root) as fd:
            files.make_directory(fd, HOOKS)
            if not was_there[CONFIG]:
                files.create(fd, CONFIG, sample().encode())
        if not was_there[ARCHIVE]:
            make_archive(root / ARCHIVE)
    except OSError as error:
        raise RootUnusable(f"{root} can't be made a root: {error.strerror}") from error
    lines = [f"{'kept' if there else 'made'} {root / name}" for name, there in was_there.items()]
    taken = sum(isinstance(each, Found) for each in _scanned(root)) if not was_there[MARK] else 0
    if taken:
        lines.append(f"directories that were there, and are recordings now: {taken}")
    return lines


def _scanned(root: Path) -> list[Found | Refusal]:
    opened = Root(root, RESERVED)
    try:
        return list(scan(opened))
    finally:
        opened.close()
