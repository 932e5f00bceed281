"""Which cameras go into the picture, and what is to be said about the others. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ezrec.errors import DataError
from ezrec.media.gather import Gathered, Part
from ezrec.media.plan import Plan, View

#: More views than this have no layout yet.
MOST = 2
_NOTABLE = 0.05
_MERGED = {1: "one is shown", MOST: f"{MOST} are merged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The cameras that are used, in order, each with its parts. `one_camera`: another was meant to be."""

    names: tuple[str, ...]
    parts: tuple[tuple[Part, ...], ...]
    notes: tuple[str, ...]
    one_camera: bool

    @property
    def all_parts(self) -> list[Part]:
        return [part for parts in self.parts for part in parts]


def choose(
    gathered: Gathered, names: Sequence[str], expected: Sequence[str], layout: str = "side_by_side"
) -> Views:
    """The first two cameras that can be used, of `single` the first. Raises DataError where there is none.

    `names` are the cameras that have files, `expected` those that the recording is meant to have.
    """
    most = 1 if layout == "single" else MOST
    usable = list(gathered.cameras)
    if not usable:
        raise DataError("no footage can be used: " + "; ".join(gathered.notes))
    broken = [camera for camera in names if camera not in usable]
    meant = expected if set(names) & set(expected) else ()
    absent = [camera for camera in meant if camera not in names]
    notes = [
        *gathered.notes,
        *(f"camera {camera} can't be used" for camera in broken),
        *(f"camera {camera} left no footage" for camera in absent),
        *(f"camera {camera} is left out: {_MERGED[most]}" for camera in usable[most:]),
    ]
    return Views(
        names=tuple(usable[:most]),
        parts=tuple(tuple(gathered.cameras[camera]) for camera in usable[:most]),
        notes=tuple(notes),
        one_camera=len(usable) == 1 and bool(broken or absent),
    )


def shortfalls(views: Views, made: Plan) -> list[str]:
    """A sentence for each time in which a camera shows nothing: before, between and behind its files."""
    return [
        f"camera {name} {said}"
        for name, view in zip(views.names, made.views, strict=True)
        for said in _gaps(view, made)
    ]


def gaps(view: View, made: Plan) -> list[tuple[float, float]]:
    """From which to which second of the merged video a camera is black."""
    edges = [0, *(edge for clip in view.clips for edge in (clip.first, clip.first + clip.frames))]
    pairs = zip(edges[::2], [*edges[1::2], made.frames], strict=True)
    seconds = [(float(start / made.rate), float(end / made.rate)) for start, end in pairs]
    return [(start, end) for start, end in seconds if end - start >= _NOTABLE]


def _gaps(view: View, made: Plan) -> list[str]:
    said = []
    for start, end in gaps(view, made):
        if end == made.seconds:
            said.append(f"is {end - start:.1f} s shorter: black until the end")
        elif start == 0:
            said.append(f"began {end:.1f} s later: black until then")
        else:
            said.append(f"has a gap of {end - start:.1f} s at {start:.1f} s: black there")
    return said
