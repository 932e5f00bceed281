"""A root with finished recordings, a stage whose hook does next to nothing, and the real daemon."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from tests.ezrec.station_fixture import Daemon, Folder, make_folder

#: the stage that is measured leads from `.completed` to `.checked`: no footage is read, nothing is made
CONFIG = """\
settle: 0 s
stages:
  check: {after: completed, to: checked, limit: 2}
"""
FROM, TO = ".completed", ".checked"
_FILES = ("camera_0.mp4", "merged.mp4", "receipt.json")


def make_station(site: Path, hook: str, finished: int) -> Folder:
    """A root in the new directory `site` with so many finished recordings, and `hook` as its stage."""
    site.mkdir(parents=True)
    folder = make_folder(site)
    folder.configure(CONFIG)
    folder.hook("check", hook)
    for number in range(finished):
        fill(folder.root / f"finished-{number:06d}", TO)
    return folder


def fill(place: Path, *markers: str) -> None:
    """A new recording with footage, outputs and markers."""
    place.mkdir(parents=True)
    for name in _FILES:
        (place / name).write_bytes(b"x")
    for marker in markers:
        (place / marker).touch()


@contextmanager
def running(folder: Folder) -> Iterator[Daemon]:
    """The daemon, what it says left out; it has to end well."""
    with redirect_stdout(io.StringIO()), folder.daemon() as daemon:
        yield daemon


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    """Until the condition holds, looked at every few milliseconds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.003)


def is_checked(place: Path) -> bool:
    """Whether the stage is done and nothing is left to do."""
    names = os.listdir(place)
    return TO in names and ".lock" not in names
