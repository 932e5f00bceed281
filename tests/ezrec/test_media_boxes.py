"""The walk over MP4 boxes: what is whole, what is cut off, and what lies in fragments."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezrec.media.boxes import check_mp4, shape_of
from ezrec.media.fragments import Content, content_of
from ezrec.media.probe import probe
from tests.ezrec.real_media import colour, counted

FRAGMENTED = "-g 10 -bf 0 -movflags +frag_keyframe+empty_moov+default_base_moof"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "a.mp4"
    colour(path, "red")
    return path


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fragmented") / "a.mp4"
    counted(path, 0, seconds=3, extra=FRAGMENTED)
    return path


def test_a_whole_file_is_whole(plain: Path, fragmented: Path) -> None:
    """By its path and by a descriptor, which stays open."""
    assert check_mp4(plain) is None and check_mp4(str(fragmented)) is None
    fd = os.open(plain, os.O_RDONLY)
    assert check_mp4(fd) is None and check_mp4(fd) is None
    os.close(fd)


def test_a_file_cut_off_at_any_byte_is_noticed(plain: Path, tmp_path: Path) -> None:
    """A truncated file passes every probe: the walk tells it, wherever the cut is."""
    data = plain.read_bytes()
    cut = tmp_path / "cut.mp4"
    for size in [*range(0, len(data), 97), len(data) - 1]:
        cut.write_bytes(data[:size])
        assert check_mp4(cut) is not None, size


@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_walk_fail(data: bytes) -> None:
    """Whatever the bytes, there is an answer and no exception."""
    stream = io.BytesIO(data)
    assert shape_of(stream).missing >= 0
    assert content_of(stream).frames >= 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 5_000), value=st.integers(0, 255))
def test_no_flipped_byte_makes_the_count_fail(fragmented: Path, at: int, value: int) -> None:
    """A header may claim anything."""
    data = bytearray(fragmented.read_bytes())
    data[at % len(data)] = value
    content_of(io.BytesIO(bytes(data)))


def test_fragments_are_counted_as_the_probe_counts_them(fragmented: Path) -> None:
    """30 frames in 3 s, by the boxes alone and by reading every packet."""
    with fragmented.open("rb") as stream:
        assert content_of(stream) == Content(frames=30, seconds=3.0)
        facts = probe(stream.fileno(), "mov", "a.mp4")
    assert (facts.frames, facts.seconds, facts.width, facts.height) == (30, 3.0, 320, 240)


def test_only_whole_fragments_count(fragmented: Path) -> None:
    """A fragment that was being written when the power went is none."""
    data = fragmented.read_bytes()
    second, third = [i for i in range(len(data)) if data[i : i + 4] == b"moof"][1:3]
    for size, frames in ((second, 10), (third - 5, 10), (third - 4, 20), (third + 300, 20)):
        assert content_of(io.BytesIO(data[:size])).frames == frames


def test_a_plain_file_has_no_fragments(plain: Path) -> None:
    """It is not what a capture of ours writes; its length is another's to tell."""
    with plain.open("rb") as stream:
        assert content_of(stream) == Content()
