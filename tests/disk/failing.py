"""Failing calls: once, or from then on until it is mended; and that no marker claims what isn't there."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count, islice

from ezrec.media.boxes import check_mp4
from ezrec.receipt import check_receipt
from ezrec.statemachine.history import history_of
from tests.disk.aftermath import faults
from tests.disk.killing import LOOKS_LESS, Tried, seldomer
from tests.disk.lives import Lives
from tests.disk.points import Aims, Point

BATCH = 40
_TRIES = 8
_SLOWER = 0.3
#: how often one and the same line may come of one fault: each attempt has one, and the waits between them
#: double from 0.05 s, so that ten take a minute; a long batch is mended after half of that
SAME_LINE = 10
#: how many lines may tell of one fault that lasts
MOST_LINES = 20


class Claims:
    """What the markers claim, looked at whenever they change: the lies that were seen."""

    def __init__(self, lives: Lives, names: Iterable[str]) -> None:
        self._lives = lives
        self._seen: dict[str, set[str]] = {name: set() for name in names}
        self.lies: list[str] = []

    def look(self) -> None:
        for name, before in self._seen.items():
            markers = self._lives.folder.markers(name)
            if markers != before:
                self._seen[name] = markers
                self.lies += [f"{name}: {lie}" for lie in _lies(self._lives, name, markers)]


def _lies(lives: Lives, name: str, markers: set[str]) -> list[str]:
    place = lives.folder.root / name
    found = [f"{each} for a fault of the world" for each in markers & {".error", ".merge_error"}]
    if markers & {".done", ".merged", ".completed"} and not [*place.glob("camera_*.mp4")]:
        found.append(f"{markers} without footage")
    if markers & {".merged", ".completed"}:
        with (place / "merged.mp4").open("rb") as video:
            if trouble := check_mp4(video.fileno()):
                found.append(f"{markers}: {trouble}")
    if ".completed" in markers and (trouble := check_receipt(place)):
        found.append(f"{markers}: {trouble}")
    return found


def fail_at(lives: Lives, points: list[Point]) -> Tried:
    """Fail each of the points, until each has come, and see every recording completed by itself."""
    tried = Tried()
    names = (f"r{number:04}" for number in count(1))
    waiting = [(point, 0) for point in points]
    while waiting:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        lives.slow(_SLOWER * max(tries for _, tries in batch))
        aimed = list(zip(islice(names, len(batch)), batch, strict=True))
        aims = lives.instrument.aim([point.inside(name) for name, (point, _) in aimed])
        _live_on(lives, tried, aims, dict(aimed))
        for index, (_, (point, tries)) in enumerate(aimed):
            if aims.came(index):
                tried.came.append(point)
            elif tries + 1 == _TRIES:
                tried.never.append(point)
            else:
                tried.again += 1
                waiting.append((seldomer(point) if tries + 1 >= LOOKS_LESS else point, tries + 1))
        if not tried.faults:
            lives.clear(name for name, _ in aimed)
    return tried


def _live_on(lives: Lives, tried: Tried, aims: Aims, aimed: dict[str, tuple[Point, int]]) -> None:
    """With lasting faults: until each of them has been met again, or does no harm; then it is mended."""
    claims = Claims(lives, aimed)
    lasting = [index for index, (point, _) in enumerate(aimed.values()) if point.lasting]
    names = list(aimed)
    lives.begin(names)

    def met() -> bool:
        return all(aims.times(each) > 1 or lives.completed(names[each]) for each in lasting)

    held_up: list[int] = []
    if lasting:
        lives.live(names, seconds=240, meanwhile=claims.look, until=met)
        held_up = [each for each in lasting if not lives.completed(names[each])]
        for each in lasting:
            aims.mend(each)
    lives.live(names, seconds=300, meanwhile=claims.look)
    lives.stop()
    told = {names[each]: aimed[names[each]][0].errno for each in held_up}
    told = {
        name: code for name, code in told.items() if not _is_harmless(lives, name, aimed[name][0])
    }
    tried.told += [len(lines_of(lives.log, name, code)) for name, code in told.items()]
    found = [*claims.lies, *faults(lives, aimed), *spent(lives, aimed), *floods(lives.log)]
    found += unclear(lives.log, told)
    for fault in found:
        point, _ = aimed.get(fault.partition(":")[0], (None, 0))
        tried.faults.append(f"{fault} (failed: {point})")
    lives.logs.clear()


def _is_harmless(lives: Lives, name: str, point: Point) -> bool:
    """Whether what failed in a supervisor was of no account (a log), or was mended in time: each of the runs
    ended well at once."""
    ended = [line.get("result") for line in lives.folder.journal(name, "ended")]
    runs = lives.folder.journal(name, "attempt")
    return point.role == "supervisor" and len(runs) == len(ended) and set(ended) == {"finished"}


def lines_of(log: str, name: str, code: int) -> list[str]:
    """The lines of the log that tell in plain words what is wrong with the disk of this recording."""
    words = os.strerror(code)
    return [line for line in log.splitlines() if line.startswith(f"{name}: ") and words in line]


def unclear(log: str, told: Mapping[str, int]) -> list[str]:
    """Recordings that were held up by a fault of which the log says nothing, or too much."""
    found = []
    for name, code in told.items():
        times = len(lines_of(log, name, code))
        if not 1 <= times <= MOST_LINES:
            found.append(f"{name}: {times} lines say {os.strerror(code)!r}")
    return found


def spent(lives: Lives, names: Iterable[str]) -> list[str]:
    """Attempts that the journals count, where nothing but the world was at fault."""
    found = []
    for name in names:
        lines = lives.folder.journal(name)
        counts = [history_of(lines[:end]).attempts for end in range(1, len(lines) + 1)]
        begun = [line["attempt"] for line in lines if line["kind"] == "attempt"]
        if max(counts, default=0) > 1 or max(begun, default=1) > 1:
            why = [line["reason"] for line in lines if line.get("result") == "failed"]
            found.append(f"{name}: attempts {begun} were counted: {why}")
    return found


def floods(log: str) -> list[str]:
    """Lines that came too often, numbers and run ids left out."""
    lines = Counter(
        re.sub(r"\b[0-9a-f]{32}\b|(?<!r)\b\d+\b", "#", line) for line in log.splitlines()
    )
    return [
        f"{line}: {times} times"
        for line, times in lines.items()
        if times > SAME_LINE and re.match(r"r\d{4}: ", line)
    ]
