"""Roots full of finished recordings, as a station has them after years. Made fast: nothing is synced.

python -m tests.bench.tree ROOT NUMBER [--dates]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ezrec.setup import make_station

_FILES = {
    ".completed": b'{"why": "uploaded"}\n',
    "camera_0.mp4": b"footage",
    "camera_1.mp4": b"footage",
    "merged.mp4": b"merged",
    "receipt.json": b"{}\n",
    "recording.json": b"{}\n",
    "logs/journal": b"",
}
#: so many recordings lie below one date
_A_DAY = 20


def finished(root: Path, number: int, *, dates: bool) -> list[str]:
    """Make `root` a station's root with so many finished recordings; their ids."""
    make_station(root)
    ids = [_id(each, dates) for each in range(number)]
    for each in ids:
        _make(str(root / each))
    return ids


def _id(number: int, dates: bool) -> str:
    name = f"match-{number:06}"
    if not dates:
        return name
    day = number // _A_DAY
    return f"{2000 + day // 336:04}-{1 + day // 28 % 12:02}-{1 + day % 28:02}/{name}"


def _make(place: str) -> None:
    os.makedirs(f"{place}/logs")
    for name, content in _FILES.items():
        fd = os.open(f"{place}/{name}", os.O_CREAT | os.O_WRONLY)
        os.write(fd, content)
        os.close(fd)


if __name__ == "__main__":
    finished(Path(sys.argv[1]), int(sys.argv[2]), dates="--dates" in sys.argv)
