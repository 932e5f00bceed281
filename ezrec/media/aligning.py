"""From what is known of the frames' times to clips on one clock, and what to say of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ezrec.media.clocks import Alignment, Line, alignment, fit
from ezrec.media.facts import Facts
from ezrec.media.places import Clip
from ezrec.media.times import Times

#: containers whose first time stamps differ by more seconds than this do not share a clock
_CONTAINERS_APART = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """The cameras' clips, where each camera lies on the first one's time, and notes."""

    cameras: tuple[tuple[Clip, ...], ...]
    alignments: tuple[Alignment, ...]
    notes: tuple[str, ...]


Timed = tuple[Facts, Times | None]


def align(cameras: Sequence[Sequence[Timed]]) -> Aligned:
    """Put all files of all cameras, in order, on one clock: that of the sidecars where every camera has one
    on the same clock, else that of the containers' time stamps, else all begin together."""
    clocks = {times.clock if times else "" for parts in cameras for _, times in parts[:1]}
    if clocks != {""} and len(clocks) == 1:
        (clock,) = clocks
        lined = tuple(tuple(_by_times(part, clock) for part in parts) for parts in cameras)
    else:
        lined = tuple(_by_containers(cameras))
    first = lined[0][0].line or Line(start=0.0)
    return Aligned(
        cameras=lined,
        alignments=tuple(alignment(clips[0].line or first, first) for clips in lined),
        notes=_notes(clocks),
    )


def _notes(clocks: set[str]) -> tuple[str, ...]:
    if len(clocks) > 1:
        return (
            "the cameras' frame times can't be compared: they are taken to have begun together",
        )
    return ()


def _by_times(part: Timed, clock: str) -> Clip:
    facts, times = part
    if times is None or times.clock != clock:
        return Clip(facts=facts)
    return Clip(facts=facts, line=fit(facts.own or times.seconds, times.seconds))


def _by_containers(cameras: Sequence[Sequence[Timed]]) -> list[tuple[Clip, ...]]:
    """Only how the cameras' first files lie to each other: a later part begins anew in most containers, and
    containers of two kinds count from different seconds."""
    begins = [parts[0][0].begins for parts in cameras]
    kinds = {parts[0][0].container for parts in cameras}
    shared = len(kinds) == 1 and max(begins) - min(begins) <= _CONTAINERS_APART
    return [
        tuple(
            Clip(facts=facts, line=Line(start=facts.begins) if shared and number == 0 else None)
            for number, (facts, _) in enumerate(parts)
        )
        for parts in cameras
    ]
