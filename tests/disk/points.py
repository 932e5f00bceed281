"""Points in the life of a recording: one call of one process, known again in another run.

A call's ordinal is not the same in two runs (the daemon looks as often as it is told to), so a point is
named by its site: the call and what it is made on, with the recording's name and the run's id taken out;
and by how many calls of that site, in that recording, came before it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.disk.instrument import Traced

#: how the recordings are named that points lie in
RECORDING = re.compile(r"\br\d{4}\b")
_VARIES = (
    (RECORDING, "REC"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "RUN"),
    (re.compile(r"canary/[0-9a-f]{16}\b"), "canary/CAGE"),
    (re.compile(r"/#\d+ \(deleted\)"), "/NEW"),
    (re.compile(r"^.*/root(?=/|$)"), ""),
)
_NAMED = frozenset(
    {"open", "mkdir", "link", "link_name", "rename", "rename_new", "unlink", "rmdir"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The `nth` call (from 1) of `role` at `site`, in `recording` ("": at the root itself). `site` ""
    is any call. `errno` 0 is a KILL. `lasting`: from then on all its like fail, until it is mended.
    `after` is the index of another point: this one counts only when that one has come.
    """

    role: str
    site: str
    nth: int
    recording: str = ""
    errno: int = 0
    lasting: bool = False
    after: int | None = None

    def inside(self, recording: str) -> Point:
        """The same point in another recording; one at the root stays there."""
        return replace(self, recording=recording) if self.recording else self


def site_of(told: Traced) -> str:
    """The call and what it is made on, without what differs from one run to another; of a hook also in
    which stage."""
    name = f"/{told.arguments[0]}" if told.call in _NAMED else ""  # a stat is of whatever is listed
    target = told.path + name
    for pattern, word in _VARIES:
        target = pattern.sub(word, target)
    return f"{told.call} {target}" + (f" in {told.stage}" if told.stage else "")


def recording_of(told: Traced) -> str:
    """The recording that a call is about, "" where it is the root itself."""
    found = RECORDING.search("/".join((told.path, *told.arguments[:1])))
    if found is None and told.role == "hook":
        return os.environ.get("EZREC_RECORDING_ID", "r0000")
    return found.group() if found else ""


def points_of(trace: Iterable[Traced]) -> list[Point]:
    """One point for every call of a traced run, in the order of each role's calls."""
    seen: Counter[tuple[str, str, str]] = Counter()
    points = []
    for told in sorted(trace, key=lambda each: (each.role, each.number)):
        where = (told.role, recording_of(told), site_of(told))
        seen[where] += 1
        role, recording, site = where
        points.append(Point(role=role, recording=recording, site=site, nth=seen[where]))
    return points


class Aims:
    """The points that a run is to meet, in files that all of its processes share."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def set(self, points: list[Point]) -> None:
        for old in (*self._home.glob("seen-*"), *self._home.glob("hit-*")):
            old.unlink()
        for old in self._home.glob("mended-*"):
            old.unlink()
        shutil.rmtree(self._home / "held", ignore_errors=True)
        (self._home / "points").write_text(json.dumps([asdict(point) for point in points]))

    def came(self, index: int) -> bool:
        """Whether the call of this point was met, and was cut off or failed."""
        return (self._home / f"hit-{index}").exists()

    def times(self, index: int) -> int:
        """How often a lasting point has failed a call by now."""
        path = self._home / f"hit-{index}"
        return path.stat().st_size if path.exists() else 0

    def mend(self, index: int) -> None:
        """The fault of a lasting point is over."""
        (self._home / f"mended-{index}").touch()
