"""Which files are a recording's footage, pinned in `recording.json` when they are first used."""

from __future__ import annotations

from collections.abc import Mapping

from ezrec import document
from ezrec.media.footage import footage
from ezrec.statemachine import files


def pin_footage(dir_fd: int) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """(camera -> its parts, sentences about what changed since they were pinned).

    What is there now counts; files that came or went since the last time are told, and pinned anew.
    """
    now = footage(files.names(dir_fd))
    pinned = _pinned(document.read(dir_fd).get("footage"))
    if pinned == now:
        return now, []
    changes = {camera: list(parts) for camera, parts in now.items()}
    document.update(dir_fd, {"footage": changes})
    return now, [] if pinned is None else [_difference(pinned, now)]


def _pinned(value: object) -> dict[str, tuple[str, ...]] | None:
    """What was pinned; None where nothing was, or nothing that makes sense."""
    if not isinstance(value, dict):
        return None
    lists = {camera: parts for camera, parts in value.items() if isinstance(parts, list)}
    return {camera: tuple(map(str, parts)) for camera, parts in lists.items()}


def _difference(before: Mapping[str, tuple[str, ...]], now: Mapping[str, tuple[str, ...]]) -> str:
    old = {name for parts in before.values() for name in parts}
    new = {name for parts in now.values() for name in parts}
    changes = [f"{name} is new" for name in sorted(new - old)]
    changes += [f"{name} is gone" for name in sorted(old - new)]
    return "the footage changed since it was pinned: " + (", ".join(changes) or "its order")
