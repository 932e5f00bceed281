"""When frames were taken, on one clock for all cameras: a straight line from each file's own time. Pure.

A file's own time counts from its first frame by the camera's clock, which runs fast or slow by some parts
in a million; two cameras never start at once. Where the shared times of the frames are known (a sidecar,
`times`), the line `shared = start + pace * own` is fitted to them by least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

#: clocks that differ by more than this are none: the times are wrong, and only the first is believed
MOST_DRIFT = 0.01
#: fewer frames than this do not tell a pace
_LEAST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`start`: the shared second of the first frame. `pace`: shared seconds to one of the file's own.
    `residual`: by how many seconds the frame that lies farthest from the line does so."""

    start: float
    pace: float = 1.0
    residual: float = 0.0

    def shared(self, own: float) -> float:
        """The shared second of what the file has at its own second `own`."""
        return self.start + self.pace * own


def fit(own: Sequence[float], shared: Sequence[float]) -> Line:
    """The line through as many frames as both know; own times count from the first of them.

    Raises ValueError where there is no frame.
    """
    count = min(len(own), len(shared))
    if count == 0:
        raise ValueError("no frame has a time")
    own = [each - own[0] for each in own[:count]]
    pace, start = _pace(own, shared[:count])
    off = max(abs(start + pace * a - b) for a, b in zip(own, shared, strict=False))
    return Line(start=start, pace=pace, residual=off)


def _pace(own: Sequence[float], shared: Sequence[float]) -> tuple[float, float]:
    if len(own) >= _LEAST and own[-1] > 0:
        pace, start = linear_regression(own, shared)
        if abs(pace - 1) <= MOST_DRIFT:
            return pace, start
    return 1.0, shared[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How one camera was brought onto the first one's time. `offset_ms`: how much later it began.
    `drift_ppm`: how much its clock runs slow, in parts in a million. `residual_ms`: what is left over."""

    offset_ms: float
    drift_ppm: float
    residual_ms: float


def alignment(line: Line, to: Line) -> Alignment:
    """Of a camera on `line`, seen from the one on `to`."""
    return Alignment(
        offset_ms=round(1000 * (line.start - to.start), 3),
        drift_ppm=round(1e6 * (line.pace / to.pace - 1), 2),
        residual_ms=round(1000 * max(line.residual, to.residual), 3),
    )
