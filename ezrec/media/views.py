"""Which cameras go into the picture, and what is to be said about the others. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ezrec.errors import DataError
from ezrec.media.gather import Gathered, Part
from ezrec.media.plan import Plan

#: More views than this have no layout yet.
MOST = 2


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


def choose(gathered: Gathered, names: Sequence[str], expected: Sequence[str]) -> Views:
    """The first two cameras that can be used. Raises DataError where there is none.

    `names` are the cameras that have files, `expected` those that the recording is meant to have.
    """
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
        *(f"camera {camera} is left out: {MOST} are merged" for camera in usable[MOST:]),
    ]
    return Views(
        names=tuple(usable[:MOST]),
        parts=tuple(tuple(gathered.cameras[camera]) for camera in usable[:MOST]),
        notes=tuple(notes),
        one_camera=len(usable) == 1 and bool(broken or absent),
    )


def shortfalls(views: Views, made: Plan) -> list[str]:
    """A sentence for each camera that is shorter than the merged video."""
    lacking = [float((made.frames - view.own_frames) / made.rate) for view in made.views]
    return [
        f"camera {name} is {seconds:.1f} s shorter: black until the end"
        for name, seconds in zip(views.names, lacking, strict=True)
        if seconds >= 0.05
    ]
