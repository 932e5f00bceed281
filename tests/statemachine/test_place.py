"""One look at a directory, and the only writer of its markers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import files
from ezrec.statemachine.place import (
    NOTE_LIMIT,
    Place,
    fingerprint,
    is_finished,
    note_bytes,
    sighting,
)


@pytest.fixture
def rec(tmp_path: Path) -> Path:
    """A recording's directory with some footage, beside somebody else's file."""
    (tmp_path / "outside").write_bytes(b"precious")
    rec = tmp_path / "rec"
    rec.mkdir()
    (rec / "camera_0.mp4").write_bytes(b"footage")
    return rec


@pytest.fixture
def place(rec: Path) -> Iterator[Place]:
    """The directory, opened."""
    place = Place(files.open_directory(rec), RECORDING)
    yield place
    place.close()


def test_a_look_sees_markers_lock_hold_and_payload(place: Place, rec: Path) -> None:
    """Everything that a decision asks of the directory."""
    for name in (".done", ".error", ".lock", ".hold", "notes.txt"):
        (rec / name).touch()
    seen = place.look()
    assert seen.present == {"recorded", "failed"}
    assert seen.lock and seen.hold and seen.payload
    assert seen.odd == ()
    assert seen.names == {".done", ".error", ".lock", ".hold", "notes.txt", "camera_0.mp4"}


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("link", lambda path: path.symlink_to("../outside")),
        ("dangling", lambda path: path.symlink_to("nowhere")),
        ("hard link", lambda path: os.link(path.parent.parent / "outside", path)),
        ("directory", lambda path: path.mkdir()),
        ("fifo", lambda path: os.mkfifo(path)),
    ],
)
@pytest.mark.parametrize("marker", [".done", ".lock", ".error"])
def test_p13_what_is_no_plain_file_is_no_marker(
    place: Place, rec: Path, marker: str, kind: str, make: Callable[[Path], None]
) -> None:
    """It is named as odd, and counts as nothing else; a hold may be anything."""
    make(rec / marker)
    make(rec / ".hold")
    seen = place.look()
    assert seen.odd == (marker,)
    assert not seen.present and not seen.lock
    assert seen.hold
    with pytest.raises(OSError):
        place.create(marker, {})
    assert (rec.parent / "outside").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "size", "payload"),
    [
        ("camera_0.mp4", 1, True),
        ("camera_0.mp4", 0, False),
        ("merged.mp4", 9, False),
        ("notes.txt", 9, False),
    ],
)
def test_payload_is_footage_with_something_in_it(
    tmp_path: Path, name: str, size: int, payload: bool
) -> None:
    """An empty file is no footage; nor is an output or a note."""
    (tmp_path / name).write_bytes(b"x" * size)
    place = Place(files.open_directory(tmp_path), RECORDING)
    assert place.look().payload is payload
    place.close()


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_p13_footage_that_is_no_file_is_none(tmp_path: Path, kind: str) -> None:
    """A video that is a link elsewhere, a FIFO or a directory is not taken for footage."""
    target = tmp_path / "camera_0.mp4"
    if kind == "link":
        (tmp_path / "real.txt").write_bytes(b"x")
        target.symlink_to("real.txt")
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        target.mkdir()
    place = Place(files.open_directory(tmp_path), RECORDING)
    assert not place.look().payload
    place.close()


def test_the_order_of_the_listing_does_not_matter(place: Place, rec: Path) -> None:
    """Every order of the same entries is the same sighting."""
    for name in (".done", ".merged", ".lock"):
        (rec / name).touch()
    entries = files.entries(place.fd)
    assert (
        len({repr(_sorted(sighting(RECORDING, list(each)))) for each in permutations(entries)}) == 1
    )


def _sorted(seen: object) -> list[object]:
    found = {key: getattr(seen, key) for key in ("lock", "hold", "payload", "odd", "content")}
    sets = [sorted(getattr(seen, key)) for key in ("present", "names")]
    return [found, *sets]


CHANGES: list[tuple[str, Callable[[Path], object], bool]] = [
    ("a file comes", lambda rec: (rec / "camera_1.mp4").touch(), True),
    ("a file grows", lambda rec: (rec / "camera_0.mp4").write_bytes(b"footage and more"), True),
    ("a file goes", lambda rec: (rec / "camera_0.mp4").unlink(), True),
    ("a file is renamed", lambda rec: (rec / "camera_0.mp4").rename(rec / "camera_1.mp4"), True),
    ("a file is touched", lambda rec: os.utime(rec / "camera_0.mp4", ns=(5, 5)), True),
    ("a file is replaced", lambda rec: _replace(rec / "camera_0.mp4"), True),
    ("a directory comes", lambda rec: (rec / "more").mkdir(), True),
    ("a marker comes", lambda rec: (rec / ".done").touch(), False),
    ("a lock comes", lambda rec: (rec / ".lock").touch(), False),
    ("a hold comes", lambda rec: (rec / ".hold").touch(), False),
    ("logs are written", lambda rec: (rec / "logs").mkdir(), False),
    ("our temporary file", lambda rec: (rec / ".ezrec-7.done").touch(), False),
    ("nothing", lambda rec: None, False),
]


def _replace(path: Path) -> None:
    times = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize(
    ("change", "is_seen"), [pytest.param(change, seen, id=words) for words, change, seen in CHANGES]
)
def test_the_content_changes_with_what_is_not_ours(
    place: Place, rec: Path, change: Callable[[Path], object], is_seen: bool
) -> None:
    """A drop that is still being copied is seen to move; markers and our own files are no content."""
    before = place.look().content
    change(rec)
    assert (place.look().content != before) is is_seen


@given(st.lists(st.binary(min_size=1, max_size=6), max_size=5, unique=True))
def test_any_names_have_a_fingerprint(names: list[bytes]) -> None:
    """Undecodable names too; the order is of no matter."""
    status = os.stat("/")
    entries = [(os.fsdecode(name), status) for name in names]
    assert fingerprint(entries) == fingerprint(list(reversed(entries)))


@pytest.mark.parametrize(
    ("names", "finished"),
    [
        ({".completed"}, True),
        ({".error"}, False),
        ({".merge_error"}, False),
        ({".completed", ".lock"}, False),
        ({".completed", ".done"}, False),
        ({".done"}, False),
        ({".merged"}, False),
        (set(), False),
        ({".completed", ".hold"}, True),
    ],
)
def test_finished_is_told_by_a_listing(names: set[str], finished: bool) -> None:
    """One final marker and no lock: a hundred thousand of these cost a listing each."""
    assert is_finished(RECORDING, names | {"camera_0.mp4", "logs"}) is finished


def test_a_marker_is_made_renamed_and_removed(place: Place, rec: Path) -> None:
    """The note goes along with the rename; a second marker of the name is refused."""
    place.create(".done", {"state": "recorded"})
    with pytest.raises(FileExistsError):
        place.create(".done", {})
    place.write_note(".done", {"state": "merged", "how": "finished"})
    place.rename(".done", ".merged")
    assert '"merged"' in (rec / ".merged").read_text()
    place.create(".completed", {})
    with pytest.raises(FileExistsError):
        place.rename(".merged", ".completed")
    place.remove([".merged", ".completed", ".never"])
    place.remove_lock()
    assert place.look().present == frozenset()


def test_a_poke_that_was_cut_off_does_not_stop_the_next(place: Place, rec: Path) -> None:
    """Left by a command that was killed, whose pid came round again (in a container they are few)."""
    left = rec / f".ezrec-poke-{os.getpid()}"
    left.touch()
    place.poke()
    assert not left.exists()
    place.poke()
    assert not left.exists()


def test_a_note_that_cannot_be_written_blocks_nothing(place: Place) -> None:
    """A marker that is gone is found out by the rename, not by the note."""
    place.write_note(".done", {"state": "merged"})


def test_p13_a_note_is_never_written_elsewhere(place: Place, rec: Path) -> None:
    """A marker that is a link or a hard link is refused, and what it leads to is as it was."""
    (rec / ".done").symlink_to("../outside")
    os.link(rec.parent / "outside", rec / ".merged")
    for marker in (".done", ".merged"):
        with pytest.raises(OSError):
            place.write_note(marker, {"state": "merged"})
    assert (rec.parent / "outside").read_bytes() == b"precious"


@given(st.dictionaries(st.text(max_size=9), st.text() | st.text(st.characters(categories=["Cs"]))))
def test_any_note_has_bytes(note: dict[str, str]) -> None:
    """Whatever an operator gave as a reason: at most 4 KiB."""
    assert len(note_bytes(note)) <= NOTE_LIMIT


def test_a_long_note_is_cut() -> None:
    """A megabyte of reason is 4 KiB of note."""
    assert len(note_bytes({"reason": "é" * 1_000_000})) <= NOTE_LIMIT
