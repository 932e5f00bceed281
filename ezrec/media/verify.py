"""Whether an output is what it was meant to be: exit 0 is not success."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ezrec.errors import DataError
from ezrec.media.boxes import check_mp4
from ezrec.media.facts import Facts
from ezrec.media.probe import probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the inputs promise of the output: pixels, frames found in it, seconds, and streams."""

    width: int
    height: int
    frames: int
    seconds: float
    rate: Fraction
    streams: int = 1


def verify(fd: int, name: str, expected: Expected) -> str | None:
    """None where the open MP4 file is whole and as expected; else one sentence that says what is not."""
    if trouble := check_mp4(fd):
        return f"{name}: {trouble}"
    try:
        facts = probe(fd, "mov", name)
    except DataError as error:
        return error.message
    return compare(facts, name, expected)


def compare(facts: Facts, name: str, expected: Expected) -> str | None:
    """The first difference, as a sentence. Pure. A length may differ by two frames or 0.1 s."""
    if facts.streams != expected.streams:
        return f"{name} has {facts.streams} streams, not {expected.streams}"
    if (facts.width, facts.height) != (expected.width, expected.height):
        wanted = f"{expected.width}x{expected.height}"
        return f"{name} is {facts.width}x{facts.height} pixels, not {wanted}"
    if facts.frames != expected.frames:
        return f"{name} has {facts.frames} frames, the inputs have {expected.frames}"
    if abs(facts.seconds - expected.seconds) > max(0.1, 2 / float(expected.rate)):
        return f"{name} is {facts.seconds:.2f} s long, the inputs are {expected.seconds:.2f} s"
    return None
