"""From a recording's directory to open, sniffed and probed footage, and words about what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ezrec.errors import DataError
from ezrec.media.facts import Facts
from ezrec.media.probe import probe
from ezrec.media.sniff import open_footage, sniff
from ezrec.media.times import Times, read_times


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of footage that can be used, open for reading; `times` of its frames, where they are known."""

    name: str
    fd: int
    demuxer: str
    facts: Facts
    times: Times | None = None

    @property
    def path(self) -> str:
        """The very file that was looked at, as a child process reaches it."""
        return f"/proc/self/fd/{self.fd}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The usable parts of each camera that has any, and a sentence for each thing that is not right."""

    cameras: Mapping[str, Sequence[Part]]
    notes: tuple[str, ...]


@contextmanager
def gather(dir_fd: int, footage: Mapping[str, Iterable[str]]) -> Iterator[Gathered]:
    """Open and probe all footage; closed again at the end of the with block."""
    cameras: dict[str, list[Part]] = {}
    notes: list[str] = []
    try:
        for camera, names in footage.items():
            for name in names:
                try:
                    part = opened_part(dir_fd, name)
                except DataError as error:
                    notes.append(f"not used: {error.message}")
                    continue
                cameras.setdefault(camera, []).append(part)
                notes += _notes_on(part)
        yield Gathered(cameras=cameras, notes=tuple(notes))
    finally:
        for part in (part for parts in cameras.values() for part in parts):
            os.close(part.fd)


def opened_part(dir_fd: int, name: str) -> Part:
    """Open, sniff and probe one file. Raises DataError where it can't be used."""
    fd = open_footage(dir_fd, name)
    try:
        demuxer = sniff(fd, name)
        facts, times = probe(fd, demuxer, name), read_times(dir_fd, name)
        return Part(name=name, fd=fd, demuxer=demuxer, facts=facts, times=times)
    except BaseException:
        os.close(fd)
        raise


def _notes_on(part: Part) -> list[str]:
    if not part.facts.missing:
        return []
    used = f"its first {part.facts.seconds:.1f} s are used"
    return [f"{part.name} is cut off, {part.facts.missing} bytes are missing: {used}"]
