"""Markers dropped by the hundred, and how long it takes until the daemon has noticed each of them.

A drop is `.merge_error`: it starts no stage, so that all there is to see is that it was noticed, which is
when the journal has it.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.ezrec.station_fixture import FOOTAGE, Folder
from tests.waiting import wait_until

MARKER = ".merge_error"


class Drops:
    """So many drops: each other one into a directory that is there already, the others moved in whole."""

    def __init__(self, folder: Folder, number: int) -> None:
        self._folder = folder
        self._names = [f"2026-11-{10 + each % 10}/drop-{each:04}" for each in range(number)]
        self._dropped: dict[str, float] = {}
        for name in self._names[::2]:
            place = folder.root / name
            place.mkdir(parents=True)
            (place / "camera_0.mp4").write_bytes(FOOTAGE)

    def drop(self, number: int | None = None, into: Path | None = None) -> None:
        """Drop the next ones (None: all); `into` is where the root is just now."""
        root = into or self._folder.root
        left = [name for name in self._names if name not in self._dropped]
        for name in left[:number]:
            self._dropped[name] = time.time()
            if (root / name).is_dir():
                (root / name / MARKER).touch()
            else:
                self._move_in(root, root / name)

    def _move_in(self, root: Path, place: Path) -> None:
        outside = root / ".outside"  # on the same file system, and nobody's recording
        outside.mkdir()
        (outside / "camera_0.mp4").write_bytes(FOOTAGE)
        (outside / MARKER).touch()
        place.parent.mkdir(exist_ok=True)
        outside.rename(place)

    def left(self) -> int:
        """How many have not been dropped."""
        return len(self._names) - len(self._dropped)

    def missed(self) -> list[str]:
        """Those that were dropped and are not in their journals."""
        return [name for name in self._dropped if self._noticed(name) is None]

    def wait(self, seconds: float, since: float = 0.0) -> Times:
        """Until all that were dropped have been noticed, and how long each took: counted from `since`
        where it was dropped before."""
        wait_until(lambda: not self.missed(), seconds)
        return Times(
            sorted(
                (self._noticed(name) or 0.0) - max(since, when)
                for name, when in self._dropped.items()
            )
        )

    def _noticed(self, name: str) -> float | None:
        try:
            return (self._folder.root / name / "logs" / "journal").stat().st_mtime
        except OSError:
            return None


class Times(list[float]):
    """Seconds, sorted."""

    def __str__(self) -> str:
        half, most = self[len(self) // 2], self[len(self) * 99 // 100]
        return f"{len(self)} noticed, 0 missed; p50 {half:.3f} s, p99 {most:.3f} s"
