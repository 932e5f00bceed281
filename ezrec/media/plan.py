"""From the cameras' facts and the settings to the merged picture: sizes, seam, rate, length. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

from ezrec.config.model import MergeSettings
from ezrec.media.facts import Facts, frames_at, usual_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One camera as it goes into the picture: its inputs by number, and its size there in pixels.

    `own_frames` at the plan's rate is what it delivered; the rest is padded with black.
    """

    inputs: tuple[int, ...]
    width: int
    height: int
    own_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The merged picture: `overlap` pixels of the seam (0: none), frames a second, frames in all."""

    views: tuple[View, ...]
    stacked: bool
    overlap: int
    rate: Fraction
    frames: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the output in pixels, both even."""
        first, *rest = self.views
        if self.stacked:
            return first.width, first.height + sum(v.height - self.overlap for v in rest)
        return first.width + sum(v.width - self.overlap for v in rest), first.height

    @property
    def seconds(self) -> float:
        return float(self.frames / self.rate)


def plan(cameras: Sequence[Sequence[Facts]], settings: MergeSettings) -> Plan:
    """The plan for one or two cameras, each given as the facts of its parts in order.

    The rate is the highest of all, the length that of the longest: no frame is cut.
    """
    rate = max(usual_rate(facts.rate) for parts in cameras for facts in parts)
    sizes = _sizes([parts[0] for parts in cameras], settings)
    numbers = count()
    views = tuple(
        View(
            inputs=tuple(next(numbers) for _ in parts),
            width=width,
            height=height,
            own_frames=sum(frames_at(facts, rate) for facts in parts),
        )
        for parts, (width, height) in zip(cameras, sizes, strict=True)
    )
    stacked = settings.layout == "stacked"
    frames = max(view.own_frames for view in views)
    overlap = _overlap(views, settings.feather, stacked) if len(views) > 1 else 0
    return Plan(views=views, stacked=stacked, overlap=overlap, rate=rate, frames=frames)


def _sizes(cameras: Sequence[Facts], settings: MergeSettings) -> list[tuple[int, int]]:
    """One height for views side by side, one width for stacked ones: the largest, or as set."""
    height = even(settings.height or max(facts.height for facts in cameras))
    widths = [even(Fraction(facts.width * height, facts.height)) for facts in cameras]
    if settings.layout == "side_by_side" or len(cameras) == 1:
        return [(width, height) for width in widths]
    if settings.height is None:
        widths = [even(facts.width) for facts in cameras]
    width = max(widths)
    return [(width, even(Fraction(width * facts.height, facts.width))) for facts in cameras]


def _overlap(views: Sequence[View], feather: int, stacked: bool) -> int:
    if stacked:
        return _fitting(min(50, feather // 2), [view.height for view in views])
    return _fitting(feather, [view.width for view in views])


def _fitting(overlap: int, sides: Sequence[int]) -> int:
    """Even, because of the colour planes, and something of each view is left beside it."""
    return max(min(overlap // 2 * 2, min(sides) - 2), 0)


def even(number: int | Fraction) -> int:
    """The nearest even number, at least 2, the larger where two are as near: 1080.5 -> 1080, 3 -> 4."""
    return max(int((Fraction(number) + 1) / 2) * 2, 2)
