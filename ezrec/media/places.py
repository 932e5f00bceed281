"""Where each file lies in the merged video's time: frames before it, frames of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

from ezrec.media.clocks import Line
from ezrec.media.facts import Facts, frames_at

#: a gap of more seconds than this between two parts of one camera is none that can be believed
LONGEST_GAP = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A file of footage, and where its time lies on the shared clock; `line` is None where nothing tells:
    then it begins where the last one of its camera ended."""

    facts: Facts
    line: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file in the merged video: `input` is its number among the inputs, `first` the frame of the output
    that shows its first one, `frames` how many frames it fills. `shift` is the part of a frame, in
    seconds, by which its first frame comes after that, `pace` how much its own time is stretched."""

    input: int
    facts: Facts
    first: int
    frames: int
    shift: float = 0.0
    pace: float = 1.0


def place(cameras: Sequence[Sequence[Clip]], rate: Fraction) -> list[tuple[Placed, ...]]:
    """All clips of each camera, at `rate` frames a second. The first frame of all is frame 0."""
    numbers = count()
    known = [clip.line.start for clips in cameras for clip in clips[:1] if clip.line]
    origin = min(known, default=0.0)
    return [_in_order(clips, rate, origin, numbers) for clips in cameras]


def _in_order(
    clips: Sequence[Clip], rate: Fraction, origin: float, numbers: count[int]
) -> tuple[Placed, ...]:
    placed: list[Placed] = []
    free = 0
    for clip in clips:
        begins = _begins(clip, origin, free / rate)
        first = max(round(begins * rate), free)
        pace = clip.line.pace if clip.line else 1.0
        frames = _frames(clip.facts, rate, pace)
        shift = (
            float(begins - Fraction(first) / rate) if clip.line and begins * rate > free else 0.0
        )
        placed.append(
            Placed(
                input=next(numbers),
                facts=clip.facts,
                first=first,
                frames=frames,
                shift=round(shift, 6),
                pace=pace,
            )
        )
        free = first + frames
    return tuple(placed)


def _begins(clip: Clip, origin: float, follows: Fraction) -> Fraction:
    """At which second of the output its first frame was taken."""
    if clip.line is None:
        return follows
    told = Fraction(clip.line.start - origin).limit_denominator(1_000_000)
    return told if 0 <= told - follows <= LONGEST_GAP else follows


def _frames(facts: Facts, rate: Fraction, pace: float) -> int:
    if abs(pace - 1) * facts.seconds * rate < Fraction(1, 2):
        return frames_at(facts, rate)
    return max(round(facts.seconds * pace * rate), 1)
