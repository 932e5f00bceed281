"""What is known of a video file, as values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

HIGHEST_RATE = 240
LARGEST_SIDE = 8192
_USUAL = Fraction(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One video stream as it is shown: `width` and `height` after rotation, in square pixels.

    `frames` were found in the file, not claimed by its index; `rate` is frames a second; `seconds`
    is what these frames last; `missing` bytes are cut off. The picture begins `lead` seconds later than
    the file does, at the second `begins` of the time of its `container` (named as its demuxer is).
    `audio` is the codec of its sound, `rotation` in degrees clockwise. `own` has the second of each frame,
    counted from the first.
    """

    codec: str
    width: int
    height: int
    rate: Fraction
    seconds: float
    frames: int
    streams: int = 1
    missing: int = 0
    pixels: str = "yuv420p"
    rotation: int = 0
    lead: float = 0.0
    begins: float = 0.0
    container: str = "mov"
    audio: str = ""
    own: Sequence[float] = field(default=(), repr=False, compare=False)

    @property
    def variable(self) -> bool:
        """Whether frames follow each other at intervals that differ by more than half."""
        gaps = [after - before for before, after in pairwise(self.own)]
        return bool(gaps) and max(gaps) > 1.5 * min(gaps) + 0.002


def usual_rate(measured: Fraction | float | None) -> Fraction:
    """The rate that a camera was set to, given the one that was measured (frames / seconds).

    A frame lost here and there makes 30 out of 29.9; 30000/1001 stays what it is.
    """
    if not measured or not 0 < measured <= HIGHEST_RATE:
        return _USUAL
    exact = Fraction(measured).limit_denominator(100_000)
    film = Fraction(round(exact * 1001 / 1000) * 1000, 1001)
    if film and abs(exact - film) / film < Fraction(1, 50_000):
        return film
    whole = Fraction(max(round(exact), 1))
    near = abs(exact - whole) / whole < Fraction(1, 50)
    return whole if near else exact.limit_denominator(1001)


def frames_at(facts: Facts, rate: Fraction) -> int:
    """How many frames the file fills at `rate`, at least one."""
    if usual_rate(facts.rate) == rate and abs(facts.frames - facts.seconds * rate) < 1:
        return max(facts.frames, 1)
    return max(round(Fraction(facts.seconds).limit_denominator(100_000) * rate), 1)
