"""From the cameras' facts and the settings to the merged picture: sizes, seam, rate, length. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ezrec.config.model import MergeSettings
from ezrec.media.facts import Facts, usual_rate
from ezrec.media.places import Clip, Placed, place
from ezrec.media.turning import Turn, turn


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One camera as it goes into the picture: its clips in time, how each is turned, and its size there in
    pixels. Before, between and after the clips it is black."""

    clips: tuple[Placed, ...]
    turns: tuple[Turn, ...]
    width: int
    height: int

    @property
    def own_frames(self) -> int:
        """How many frames of the picture show what it has delivered."""
        return sum(clip.frames for clip in self.clips)

    @property
    def end(self) -> int:
        """The frame behind its last one."""
        return self.clips[-1].first + self.clips[-1].frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The merged picture: `overlap` pixels of the seam (0: none), frames a second, frames in all. `box` is
    the output's size where one was asked for: the picture is fitted into it."""

    views: tuple[View, ...]
    stacked: bool
    overlap: int
    rate: Fraction
    frames: int
    box: tuple[int, int] | None = None
    lens: tuple[float, float] = (0.0, 0.0)

    @property
    def canvas(self) -> tuple[int, int]:
        """(width, height) of the views put together, in pixels, both even."""
        first, *rest = self.views
        if self.stacked:
            return first.width, first.height + sum(v.height - self.overlap for v in rest)
        return first.width + sum(v.width - self.overlap for v in rest), first.height

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the output in pixels, both even."""
        return self.box or self.canvas

    @property
    def seconds(self) -> float:
        return float(self.frames / self.rate)


def plan(cameras: Sequence[Sequence[Clip]], settings: MergeSettings) -> Plan:
    """The plan for one or two cameras, each given as its clips in order.

    The rate is the highest of all (or as set), the length runs from the first frame of any to the last:
    no frame is cut.
    """
    every = [clip for clips in cameras for clip in clips]
    fastest = max(usual_rate(clip.facts.rate) for clip in every)
    rate = Fraction(settings.rate) if settings.rate else fastest
    placed = place(cameras, rate)
    sizes = _sizes([_shown(clips[0].facts, settings) for clips in cameras], settings)
    views = tuple(
        View(
            clips=clips,
            turns=tuple(turn(*_size(each.facts), settings.rotate) for each in given),
            width=width,
            height=height,
        )
        for clips, given, (width, height) in zip(placed, cameras, sizes, strict=True)
    )
    stacked = settings.layout == "stacked"
    return Plan(
        views=views,
        stacked=stacked,
        overlap=_overlap(views, settings.feather, stacked) if len(views) > 1 else 0,
        rate=rate,
        frames=max(view.end for view in views),
        box=settings.size,
        lens=settings.lens,
    )


def _size(facts: Facts) -> tuple[int, int]:
    return facts.width, facts.height


def _shown(facts: Facts, settings: MergeSettings) -> tuple[int, int]:
    """The size of a camera's picture when it has been turned."""
    return turn(*_size(facts), settings.rotate).size


def _sizes(cameras: Sequence[tuple[int, int]], settings: MergeSettings) -> list[tuple[int, int]]:
    """One height for views side by side, one width for stacked ones: the largest, or as set."""
    height = even(settings.height or max(height for _, height in cameras))
    widths = [even(Fraction(width * height, own)) for width, own in cameras]
    if settings.layout != "stacked" or len(cameras) == 1:
        return [(width, height) for width in widths]
    if settings.height is None:
        widths = [even(width) for width, _ in cameras]
    common = max(widths)
    return [(common, even(Fraction(common * own, width))) for width, own in cameras]


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
