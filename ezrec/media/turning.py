"""Turning a picture by any angle: quarter turns, then the rest, cut so that no corner is empty. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: an angle smaller than this, in degrees, moves no corner by a pixel
_LEAST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`quarters` turns of 90 degrees clockwise, then `degrees` more (within 45 of none). `size` is that of
    the whole picture afterwards, `kept` what of it shows no empty corner, in pixels."""

    quarters: int
    degrees: float
    size: tuple[int, int]
    kept: tuple[int, int]


def turn(width: int, height: int, degrees: float) -> Turn:
    """How a picture of this size is turned clockwise by `degrees`, of any size and sign.

    The largest rectangle of the picture's own shape that fits into it, turned by `a`, is smaller by
    `cos a + max(w/h, h/w) * sin a` on both sides.
    """
    quarters = round(degrees / 90)
    rest = degrees - 90 * quarters
    size = (height, width) if quarters % 2 else (width, height)
    if abs(rest) < _LEAST:
        return Turn(quarters=quarters % 4, degrees=0.0, size=size, kept=size)
    angle = math.radians(abs(rest))
    longer = max(size) / min(size)
    shrunk = math.cos(angle) + longer * math.sin(angle)
    kept = (max(int(size[0] / shrunk), 2), max(int(size[1] / shrunk), 2))
    return Turn(quarters=quarters % 4, degrees=rest, size=size, kept=kept)
