"""What must hold of every state that a power cut may leave, before and after the engine has met it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ezrec.describe import DOCUMENT
from ezrec.media.boxes import check_mp4
from ezrec.receipt import check_receipt
from ezrec.statemachine import journal
from ezrec.statemachine.lifecycle import LOCK
from tests.disk.claims import Claims
from tests.disk.enumerator import Crash
from tests.disk.laboratory import Laboratory, Rested
from tests.ezrec.station_fixture import MARKERS

_GOES_ON = ("recording", "recorded", "merged")


def violations(
    laboratory: Laboratory,
    crash: Crash,
    claims: list[Claims],
    tells: frozenset[str],
    own_merge: bool,
) -> list[str]:
    """What does not hold, as sentences. `own_merge`: ezrec's own hook made `merged.mp4`."""
    laboratory.build(crash)
    found = [f"the tell {each} is lost" for each in tells if not _is_json(laboratory.root / each)]
    for claim in claims:
        found += _of_one(laboratory, claim, own_merge)
    return found


def _of_one(laboratory: Laboratory, claim: Claims, own_merge: bool) -> list[str]:
    if claim.recording not in laboratory.recordings():
        return [f"{claim.recording} is gone, and was {claim.told}"] if claim.told else []
    place = laboratory.root / claim.recording
    found = [
        *_footage_lost(laboratory, place, claim),
        *_runs_lost(place, claim),
        *_document_lost(laboratory, place, claim),
        *_lies(place, _markers(place), own_merge),
    ]
    rested = laboratory.rest(claim.recording)
    found += _unrest(laboratory, place, claim, rested)
    if not laboratory.is_new(claim, rested):
        return found
    has_footage = any(path.stat().st_size for path in place.glob("camera*.mp4"))
    if rested.state == "merged" and _archived(laboratory):
        (place / ".done").touch()  # what is in the archive has to be known as ours, not as equal
        rested = replace(rested, state="recorded")
    finished = laboratory.finish(claim.recording)
    found += _ends(place, rested, finished, has_footage)
    found += _footage_lost(laboratory, place, claim)
    found += _lies(place, _markers(place), own_merge)
    found += _objects(laboratory, claim)
    return found


def _markers(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} & MARKERS


def _footage_lost(laboratory: Laboratory, place: Path, claim: Claims) -> Iterator[str]:
    for name, digest in claim.footage:
        wanted, path = laboratory.trace.blobs[digest], place / name
        if not path.is_file():
            yield f"{name} was safe and is gone"
        elif not path.read_bytes().startswith(wanted):
            yield f"{name} was safe and has lost some of its {len(wanted)} bytes"


def _runs_lost(place: Path, claim: Claims) -> Iterator[str]:
    path = place / journal.DIRECTORY / journal.NAME
    lines = journal.decode(path.read_bytes()) if path.is_file() else []
    known = {(str(line["kind"]), str(line.get("run"))) for line in lines}
    for run in claim.begun:
        if ("attempt", run) not in known:
            yield "an attempt was begun, and nothing knows of it"
    for run in claim.ended:
        if ("ended", run) not in known and not _is_json(path.parent / f".run-{run}"):
            yield "the end of a run was reported, and nothing knows of it"


def _document_lost(laboratory: Laboratory, place: Path, claim: Claims) -> Iterator[str]:
    path = place / DOCUMENT
    found = path.read_bytes() if path.is_file() else None
    if claim.documents and found not in {laboratory.trace.blobs[each] for each in claim.documents}:
        yield f"{DOCUMENT} is neither old nor new: {str(found)[:60]}"


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _lies(place: Path, markers: set[str], own_merge: bool) -> Iterator[str]:
    """Whether what a marker or a name says is there and whole."""
    video = place / "merged.mp4"
    claimed = markers & {".merged", ".completed"} or (own_merge and video.exists())
    if claimed and (trouble := _unsound(video)):
        yield f"merged.mp4 under {sorted(markers)}: {trouble}"
    if ".completed" in markers:
        if problem := check_receipt(place):
            yield f".completed: {problem}"
        else:
            receipt = json.loads((place / "receipt.json").read_bytes())
            archived = _archive(place) / receipt["key"]
            if not archived.is_file() or _digest(archived) != receipt["sha256"]:
                yield f".completed: the object {receipt['key']} is not what the receipt says"


def _unsound(video: Path) -> str:
    if not video.is_file():
        return "it is not there"
    with video.open("rb") as stream:
        return check_mp4(stream.fileno()) or ""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _archive(place: Path) -> Path:
    return next(each / "archive" for each in place.parents if (each / ".ezrec-root").exists())


def _unrest(laboratory: Laboratory, place: Path, claim: Claims, rested: Rested) -> Iterator[str]:
    """One state, one that may be, shown by one marker, and nothing more to do when looked at again."""
    if rested.state not in claim.allowed:
        yield f"it was {claim.told} and is {rested.state}, not one of {sorted(claim.allowed)}"
    markers = _markers(place)
    shown = {LOCK} if rested.state == "recording" else markers - {LOCK}
    if len(shown) != (rested.state != "idle") or (LOCK in markers and rested.state != "recording"):
        yield f"{rested.state} with the markers {sorted(markers)}"
    again = laboratory.rest(claim.recording)
    if again != rested:
        names = {*again.tree, *rested.tree}
        changed = {name for name in names if again.tree.get(name) != rested.tree.get(name)}
        yield f"reconciled twice is not once: {rested.state}, {again.state}, {sorted(changed)}"


def _ends(place: Path, rested: Rested, finished: Rested, has_footage: bool) -> Iterator[str]:
    """What has work before it gets it done; what has none stays."""
    if rested.state in _GOES_ON:
        wanted = "completed" if has_footage or rested.state != "recorded" else "failed"
    else:
        wanted = rested.state
    if finished.state != wanted:
        marker = next((place / name for name in _markers(place) if name.endswith("error")), None)
        why = marker.read_text(errors="replace")[:400] if marker else ""
        yield f"{rested.state} ended as {finished.state}, not {wanted} {why}"


def _objects(laboratory: Laboratory, claim: Claims) -> Iterator[str]:
    names = [path.name for path in _archived(laboratory)]
    if ".completed" in _markers(laboratory.root / claim.recording) and len(names) != 1:
        yield f"{len(names)} files in the archive: {names}"


def _archived(laboratory: Laboratory) -> list[Path]:
    archive = laboratory.root / "archive"
    return [path for path in archive.rglob("*") if path.is_file() and path.name[0] != "."]
