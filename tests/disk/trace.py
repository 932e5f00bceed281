"""A recorded trace as data: who did what to the disk, in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

#: the storage modules: the first function outside of them says what a sync is for
STORAGE = frozenset(
    {"calls", "files", "journal", "place", "document", "objects", "receipt", "root"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """In the directory `directory` the name `name` now leads to `node`, or to nothing."""

    directory: int
    name: str
    node: int | None


@dataclass(frozen=True, slots=True)
class Data:
    """The content of a file is now the blob `digest`."""

    node: int
    digest: str
    mtime_ns: int


Change = Entry | Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One announced call and what it changed; without a `call`: what others did since the last one.

    `node` is the file or directory that the call was made on; `begun` and `ended` are seconds of the
    boot; `site` are our functions that led to it, innermost first.
    """

    role: str
    pid: int
    call: str
    name: str
    node: int | None
    site: tuple[str, ...]
    begun: float
    ended: float
    changes: tuple[Change, ...]

    @property
    def place(self) -> str:
        """The call site in short: through the storage modules to the function that wanted it."""
        names: list[str] = []
        for each in self.site:
            if each != "calls.sync":
                names.append(each)
            if each.partition(".")[0] not in STORAGE:
                break
        return " < ".join(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`steps[0]` is what was there before; `inodes` are the real ones, by node."""

    steps: tuple[Step, ...]
    inodes: tuple[int, ...]
    blobs: Mapping[str, bytes]

    def syncs(self) -> dict[str, tuple[int, ...]]:
        """The steps of each call site of fsync, those of files and of directories apart."""
        plain = {c.node for step in self.steps for c in step.changes if isinstance(c, Data)}
        found: dict[str, tuple[int, ...]] = {}
        for number, step in enumerate(self.steps):
            if step.call == "sync":
                kind = "file" if step.node in plain else "directory"
                place = f"{kind}: {step.place}"
                found[place] = (*found.get(place, ()), number)
        return found

    def without(self, steps: Iterable[int]) -> Trace:
        """As if these syncs had never been asked for; what others did meanwhile stays."""
        gone = set(steps)
        kept = tuple(
            replace(step, call="", node=None) if number in gone else step
            for number, step in enumerate(self.steps)
        )
        return replace(self, steps=kept)


def load(home: Path) -> Trace:
    """The trace that was recorded in `home`."""
    rows = [json.loads(line) for line in (home / "steps").read_text().splitlines()]
    seen = json.loads((home / "seen").read_text())
    blobs = {path.name: path.read_bytes() for path in (home / "blobs").iterdir() if not path.suffix}
    return Trace(
        steps=tuple(
            Step(**{**row, "site": tuple(row["site"]), "changes": _changes(row["changes"])})
            for row in rows
        ),
        inodes=tuple(seen["inodes"]),
        blobs=blobs,
    )


def _changes(rows: Iterable[list[object]]) -> tuple[Change, ...]:
    kinds: dict[object, Callable[..., Change]] = {"entry": Entry, "data": Data}
    return tuple(kinds[row[0]](*row[1:]) for row in rows)
