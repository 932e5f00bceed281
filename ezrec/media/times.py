"""The sidecar of a camera's file: when each of its frames was taken, on a clock that all cameras share.

`camera_0.times` stands beside `camera_0.mp4`. Its first line is `ezrec-times 1 CLOCK`, where CLOCK names
the clock: times of one name can be compared (the boot id, for a clock that counts from the boot). Then one
line for each frame, in order: its second, with six digits. A torn last line is passed over.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from ezrec.statemachine import files

_HEAD = "ezrec-times 1 "
_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """`clock` names the clock, `seconds` has the time of each frame."""

    clock: str
    seconds: tuple[float, ...]


def times_name(footage: str) -> str:
    """The sidecar of a file of footage: `camera_0.part-2.times`."""
    return f"{footage.rpartition('.')[0]}.times"


def head(clock: str) -> str:
    """The first line of a sidecar."""
    return f"{_HEAD}{clock}\n"


def parse(text: str) -> Times | None:
    """What a sidecar says; None where it is none, or says nothing that can be. Pure."""
    first, *lines = text.split("\n")
    clock = first.removeprefix(_HEAD)
    if clock == first or not clock:
        return None
    try:
        seconds = tuple(float(line) for line in lines[:-1])
    except ValueError:
        return None
    if not seconds or not all(map(math.isfinite, seconds)) or list(seconds) != sorted(seconds):
        return None
    return Times(clock=clock, seconds=seconds)


def read_times(dir_fd: int, footage: str) -> Times | None:
    """The times that stand beside a file of footage; None where there are none that can be used."""
    try:
        with files.open_plain(dir_fd, times_name(footage), os.O_RDONLY) as fd:
            data = files.read_end(fd, _LIMIT)
    except OSError:
        return None
    return parse(data.decode("ascii", "replace"))
