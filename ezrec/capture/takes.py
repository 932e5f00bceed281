"""The files that a capture writes: made new, synced while they grow, counted when they are done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ezrec.errors import DataError
from ezrec.media.boxes import shape_of
from ezrec.media.footage import footage, is_ours, next_take
from ezrec.media.fragments import Content, content_of
from ezrec.media.sniff import open_footage
from ezrec.statemachine import calls, files

#: A power cut costs at most this many seconds, and a fragment, and what the disk lies about.
SYNC_EVERY = 2.0
#: The boxes that a camera's file begins with, and the one that it ends with: no picture is in them.
_FRAME = (b"ftyp", b"moov", b"mfra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One camera's new file. `index` is the camera's place among the cameras, from 0."""

    camera: str
    index: int
    name: str
    fd: int

    @property
    def path(self) -> str:
        """The file as a child process reaches it, whatever bears its name meanwhile."""
        return f"/proc/self/fd/{self.fd}"


def new_take(dir_fd: int, camera: str, index: int) -> Take:
    """Make the file of a new take, empty. Nothing that is there already is ever opened for writing."""
    name = next_take(files.names(dir_fd), camera)
    return Take(camera=camera, index=index, name=name, fd=files.open_new(dir_fd, name))


def close_takes(dir_fd: int, takes: Iterable[Take]) -> None:
    """Close the files. One that no picture was ever written to is no footage: its name goes again."""
    for take in takes:
        if not holds_pictures(take) and _bears(dir_fd, take):
            files.remove(dir_fd, take.name)
        os.close(take.fd)


def holds_pictures(take: Take) -> bool:
    """Whether more came into the file than what stands around pictures: be it half of one."""
    with os.fdopen(os.dup(take.fd), "rb") as stream:
        shape = shape_of(stream)
    return bool(shape.trouble) or any(box.kind not in _FRAME for box in shape.boxes)


def _bears(dir_fd: int, take: Take) -> bool:
    """Whether the name still is this file's, and nobody has put another there."""
    try:
        there = calls.status(dir_fd, take.name)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(take.fd))


def content(take: Take) -> Content:
    """What can be played of the take by now."""
    with os.fdopen(os.dup(take.fd), "rb") as stream:
        return content_of(stream)


def recorded(dir_fd: int, camera: str) -> tuple[list[str], Content]:
    """The takes of a camera that are there, in order, and what is in all of them."""
    ours = [name for name in files.names(dir_fd) if is_ours(name)]
    parts = list(footage(ours).get(camera, ()))
    found = [_content_of_file(dir_fd, name) for name in parts]
    return parts, Content(
        frames=sum(one.frames for one in found), seconds=sum(one.seconds for one in found)
    )


def _content_of_file(dir_fd: int, name: str) -> Content:
    try:
        fd = open_footage(dir_fd, name)
    except DataError:
        return Content()
    with os.fdopen(fd, "rb") as stream:
        return content_of(stream)


class Syncer:
    """A thread that brings the takes to the disk every two seconds.

    The first failed fsync of a take is told to `failed`. That a later one succeeds says nothing of the
    pages that it was about: they may be gone. But what is written after it is brought to the disk.
    """

    def __init__(self, takes: Sequence[Take], failed: Callable[[Take, OSError], None]) -> None:
        self._takes = takes
        self._failed = failed
        self._told: set[Take] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Stop, and sync everything once more."""
        self._stop.set()
        self._thread.join()
        self._sync()

    def _run(self) -> None:
        while not self._stop.wait(SYNC_EVERY):
            self._sync()

    def _sync(self) -> None:
        for take in self._takes:
            try:
                files.sync(take.fd)
            except OSError as error:
                if take not in self._told:
                    self._told.add(take)
                    self._failed(take, error)
