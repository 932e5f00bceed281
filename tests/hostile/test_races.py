"""P13: what is swapped for a link while we work leads nowhere outside the root."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.ezrec.station_fixture import FOOTAGE, Folder
from tests.hostile.commands import say
from tests.hostile.witness import Witness, make_outside

_EXCHANGE = 2
_libc = ctypes.CDLL(None, use_errno=True)
#: in a recording; "" is its directory, and DATE the one that it lies in
SWAPPED = (
    "",
    "DATE",
    ".done",
    "logs",
    "logs/journal",
    "recording.json",
    "camera_0.mp4",
    "merged.mp4",
)
COMMANDS = (
    *(("status",), ("why", "REC"), ("history", "REC"), ("logs", "REC"), ("hold", "REC")),
    *(("release", "REC"), ("push", "REC", "recorded"), ("retry", "REC"), ("stop", "REC")),
)
REC = "2026-11-23/match"


class Swapper:
    """A thread that exchanges two names again and again, in one call of the kernel each."""

    def __init__(self, place: Path, link: Path) -> None:
        self.swaps = 0
        self._names = os.fsencode(place), os.fsencode(link)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        one, two = self._names
        while not self._stop.is_set():
            if _libc.renameat2(-100, one, -100, two, _EXCHANGE) == 0:
                self.swaps += 1
            self._stop.wait(0.0002)


@contextmanager
def swapping(place: Path, target: Path, aside: Path) -> Iterator[Swapper]:
    """`place` and a link to `target`, which waits in `aside`, change places all the time."""
    link = aside / f"link-{place.name}"
    link.symlink_to(target)
    swapper = Swapper(place, link)
    swapper.start()
    try:
        yield swapper
    finally:
        swapper.finish()


def lay_out(folder: Folder) -> Path:
    """A recording with everything that is swapped in it, below a date."""
    place = folder.root / REC
    (place / "logs").mkdir(parents=True)
    for name in ("camera_0.mp4", "merged.mp4", ".done"):
        (place / name).write_bytes(FOOTAGE)
    (place / "recording.json").write_text("{}")
    (place / "logs" / "journal").touch()
    return place


def target_of(place: str, outside: Path) -> Path:
    """Something like what it is swapped for."""
    like = outside / "like-a-recording"
    if place == "DATE":
        return outside
    return like if place == "" else like / place


@pytest.mark.parametrize("swapped", SWAPPED)
def test_p13_a_swap_for_a_link_while_we_work(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, swapped: str, long: bool, figure: Figure
) -> None:
    """The recording's directory, its date, its marker, journal and videos change places with links a
    thousand times a second, while a daemon scans and commands are said: nothing outside is opened,
    read or made."""
    folder.configure(
        "settle: 0\nwatch: poll\nscan_every: 20 ms\nstages: {merge: {attempts: 100}}\n"
    )
    folder.hook("merge.sh", "exit 1\n")  # follows nothing itself
    outside = make_outside(folder.site)
    (outside / "like-a-recording" / "merged.mp4").touch()
    (outside / "match").mkdir()
    place = lay_out(folder)
    aside = folder.root / ".aside"
    aside.mkdir()
    what = place.parent if swapped == "DATE" else place / swapped if swapped else place
    witness = Witness(outside)
    said = 0
    with folder.daemon(), swapping(what, target_of(swapped, outside), aside) as swapper:
        deadline = time.monotonic() + (60.0 if long else 1.0)
        while time.monotonic() < deadline:
            for words in COMMANDS:
                say(monkeypatch, folder.root, *(REC if word == "REC" else word for word in words))
                said += 1
    escapes = witness.events()
    witness.close()
    assert escapes == [], escapes[:9]
    assert swapper.swaps > 50 and said >= len(COMMANDS)
    figure(
        f"P13 swaps of {swapped or 'REC'}, commands, escapes",
        f"{swapper.swaps}, {said}, {len(escapes)}",
    )
