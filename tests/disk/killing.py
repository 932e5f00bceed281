"""Trying points: each in a recording of its own, many under one daemon, those that did not come again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count, islice

from tests.disk.aftermath import faults
from tests.disk.instrument import READS
from tests.disk.lives import TRACED, Lives
from tests.disk.points import Point, points_of

_BATCH = 40
_TRIES = 8
#: a retry waits longer in its hooks by so many seconds
_SLOWER = 0.3
#: a call that reads is made as often as the daemon happens to look: after so many tries one less will do
LOOKS_LESS = 4


@dataclass(kw_only=True)
class Tried:
    """What came of it: points that came, those that never did, and every fault that was found. `told`: how
    many lines the log has of each fault that lasted and held its recording up."""

    came: list[Point] = field(default_factory=list)
    never: list[Point] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    again: int = 0
    told: list[int] = field(default_factory=list)


def traced_points(lives: Lives) -> list[Point]:
    """Every call that one whole life makes, each as a point; the life itself has to be sound."""
    lives.begin([TRACED])
    lives.live([TRACED])
    lives.stop()
    assert faults(lives, [TRACED]) == []
    return points_of(lives.instrument.trace)


def is_read(point: Point) -> bool:
    """Whether its call changes nothing. An open may make a file: it is none of them."""
    return point.site.split()[0] in READS - {"open"}


def one_of_each(points: list[Point]) -> list[Point]:
    """The last point of every site: there, most has been done by then."""
    return list({(point.role, point.site, point.recording): point for point in points}.values())


def kill_at(lives: Lives, points: list[Point]) -> Tried:
    """Kill at each of the points, until each has come. Recordings that end well are taken away."""
    tried = Tried()
    names = (f"r{number:04}" for number in count(1))
    waiting = [(point, 0) for point in points]
    while waiting:
        batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
        lives.slow(_SLOWER * max(tries for _, tries in batch))
        aimed = list(zip(islice(names, len(batch)), batch, strict=True))
        aims = lives.instrument.aim([point.inside(name) for name, (point, _) in aimed])
        lives.begin(name for name, _ in aimed)
        lives.live([name for name, _ in aimed], seconds=300)
        lives.stop()
        for index, (_, (point, tries)) in enumerate(aimed):
            if aims.came(index):
                tried.came.append(point)
            elif tries + 1 == _TRIES:
                tried.never.append(point)
            else:
                tried.again += 1
                waiting.append((seldomer(point) if tries + 1 >= LOOKS_LESS else point, tries + 1))
        _look(lives, tried, dict(aimed))
    return tried


def seldomer(point: Point) -> Point:
    """The call before that one, of those that only look."""
    return replace(point, nth=point.nth - 1) if is_read(point) and point.nth > 1 else point


def _look(lives: Lives, tried: Tried, aimed: dict[str, tuple[Point, int]]) -> None:
    for fault in faults(lives, aimed):
        point, _ = aimed.get(fault.partition(":")[0], (None, 0))
        tried.faults.append(f"{fault} (killed at {point})")
    if not tried.faults:
        lives.clear(aimed)
