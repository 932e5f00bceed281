"""Which files in a recording are footage, of which camera, and in what order. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ezrec.errors import DataError

OUTPUTS = frozenset({"merged.mp4"})
CAMERA_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_VIDEO = re.compile(
    r"(?P<stem>[^.].*?)(?:\.part-(?P<part>[0-9]{1,6}))?\.(?:mp4|mkv|ts|mov)",
    re.IGNORECASE | re.DOTALL,
)
_CAMERA = "camera_"


def footage(names: Iterable[str], outputs: Collection[str] = OUTPUTS) -> dict[str, tuple[str, ...]]:
    """The footage among `names`: camera -> its parts, both in their natural order.

    `camera_0.mp4` and `camera_0.part-2.mp4` are camera `0`. Where nothing is called `camera_…`, every
    video that is no output is a camera of its own, called by its name without the extension.
    """
    videos = [name for name in names if name not in outputs and _VIDEO.fullmatch(name)]
    ours = [name for name in videos if len(stem_of(name)) > len(_CAMERA) and is_ours(name)]
    grouped: dict[str, list[str]] = {}
    for name in sorted(ours or videos, key=_order):
        grouped.setdefault(camera_of(name) if ours else stem_of(name), []).append(name)
    return {camera: tuple(parts) for camera, parts in grouped.items()}


def is_ours(name: str) -> bool:
    """Whether the name is of the form `camera_<id>.mp4`, with or without a part."""
    return name.startswith(_CAMERA) and _VIDEO.fullmatch(name) is not None


def camera_of(name: str) -> str:
    """The camera's id in the name of its footage: `0` in `camera_0.part-2.mp4`."""
    return stem_of(name).removeprefix(_CAMERA)


def stem_of(name: str) -> str:
    """The name of a video without its part and extension."""
    found = _VIDEO.fullmatch(name)
    return found["stem"] if found else name


def part_of(name: str) -> int:
    """Which take this is: 1 where the name says nothing."""
    found = _VIDEO.fullmatch(name)
    return int(found["part"]) if found and found["part"] else 1


def next_take(names: Iterable[str], camera_id: str) -> str:
    """The name of a new take of the camera, one after the last that is there in any container.

    Raises DataError where `camera_id` can't be part of a file's name.
    """
    if not CAMERA_ID.fullmatch(camera_id):
        raise DataError(f"{camera_id!r} can't be a camera's id", "use letters, digits, '_' and '-'")
    taken = [part_of(name) for name in names if is_ours(name) and camera_of(name) == camera_id]
    part = f".part-{max(taken) + 1}" if taken else ""
    return f"{_CAMERA}{camera_id}{part}.mp4"


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `camera_10` comes after `camera_2`."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in pieces)


def _order(name: str) -> tuple[object, ...]:
    return (natural(stem_of(name)), stem_of(name), part_of(name), name)
