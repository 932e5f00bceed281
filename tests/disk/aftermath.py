"""What has to hold of a recording when all is over: nothing lost, nothing twice, one state, one story."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

from ezrec.media.fragments import content_of
from ezrec.media.probe import probe
from ezrec.receipt import check_receipt
from ezrec.statemachine import journal
from tests.disk.lives import Lives

STORY = ["recording", "recorded", "merged", "completed"]


def faults(lives: Lives, names: Iterable[str]) -> list[str]:
    """Every way in which one of these completed recordings is not as it has to be, in words."""
    arrived = lives.witness.arrivals()
    doubles = list(lives.folder.calls("double"))
    found = [f"{call.recording}: {call.hook} ran twice at once" for call in doubles]
    for name in names:
        place = lives.folder.root / name
        told = [
            *_state(lives, name),
            *_footage(lives, name),
            *_held(lives, name),
            *_object(lives, name, arrived.count(f"{name}.mp4")),
            *journal_faults(place),
            *_litter(place),
        ]
        found += [f"{name}: {each}" for each in told]
    return found + [f"the log has {word!r}" for word in _NEVER if word in lives.log]


_NEVER = ("Traceback", "fault in ezrec")


def _state(lives: Lives, name: str) -> list[str]:
    markers, story = lives.folder.markers(name), lives.folder.states(name)
    found = [] if markers == {".completed"} else [f"its markers are {markers}"]
    return found if story == STORY else [*found, f"its states were {story}"]


def _footage(lives: Lives, name: str) -> list[str]:
    """Every take that got its name is there, with the bytes that it had."""
    found = []
    for copy in lives.witnessed(name):
        _, run, take = copy.name.split(".", 2)
        path = lives.folder.root / name / take
        there = path.read_bytes() if path.exists() else None
        if there != copy.read_bytes() and not _was_never_named(lives, copy, run):
            found.append(f"{take} of run {run} is lost")
    return found


def _held(lives: Lives, name: str) -> list[str]:
    """What was in the takes when a process was killed beside them is there, and was merged."""
    found, frames = [], 0
    for copy in sorted((lives.instrument.home / "held" / name).glob("*")):
        path, data = lives.folder.root / name / copy.name, copy.read_bytes()
        if not path.exists() or not path.read_bytes().startswith(data):
            found.append(
                f"{copy.name} has lost some of the {len(data)} bytes that it had when killed"
            )
        frames += content_of(io.BytesIO(data)).frames
    if frames and (merged := _frames(lives.folder.root / name / "merged.mp4")) < frames:
        found.append(f"{frames} frames were there when it was killed, {merged} were merged")
    return found


def _frames(video: Path) -> int:
    with video.open("rb") as stream:
        return probe(stream.fileno(), "mov", video.name).frames


def _was_never_named(lives: Lives, copy: Path, run: str) -> bool:
    """The capture was killed between the copy and the name: its bytes were no footage yet."""
    return not any(call.run == run and call.what == "end" for call in lives.folder.calls())


def _object(lives: Lives, name: str, times: int) -> list[str]:
    found = [] if times == 1 else [f"its object came {times} times"]
    place, stored = lives.folder.root / name, lives.folder.root / "archive" / f"{name}.mp4"
    merged = (place / "merged.mp4").read_bytes()
    if not stored.exists() or stored.read_bytes() != merged:
        found.append("its object is not its merged.mp4")
    if trouble := check_receipt(place):
        found.append(f"its receipt: {trouble}")
    elif json.loads((place / "receipt.json").read_bytes())["sha256"] != _sum(merged):
        found.append("its receipt has another sum")
    halves = [path.name for path in stored.parent.glob(f"{name}.mp4.partial*")]
    return found + [f"{half} was left in the archive" for half in halves]


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def journal_faults(place: Path) -> list[str]:
    """Lines that don't decode, numbers that come twice or backwards."""
    raw = (place / journal.DIRECTORY / journal.NAME).read_bytes()
    lines = raw.splitlines()
    whole = journal.decode(raw)
    numbers = [line["seq"] for line in whole]
    found = (
        [] if len(whole) == len(lines) and raw.endswith(b"\n") else ["its journal has torn lines"]
    )
    if numbers != sorted(set(numbers)):
        found.append(f"its journal's numbers are {numbers}")
    return found


def _litter(place: Path) -> list[str]:
    """What only a run that goes on may leave in `logs/` and beside the markers."""
    left = [path.name for path in (place / journal.DIRECTORY).glob(".run-*")]
    left += [path.name for path in place.iterdir() if path.name.endswith(".partial")]
    return [f"{name} was left" for name in left if not name.startswith("camera_")]
