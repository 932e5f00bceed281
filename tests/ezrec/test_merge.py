"""The hook `merge`, with real ffmpeg on real files: geometry, seam, lengths, and bad input."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ezrec.media.boxes import check_mp4
from ezrec.media.facts import Facts
from ezrec.media.ffmpeg import find_ffmpeg
from ezrec.media.probe import probe
from tests.ezrec.real_media import Site, colour, counted, ffmpeg, frames_read, planes, until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(root=tmp_path)


def merged(site: Site) -> Facts:
    fd = os.open(site.recording / "merged.mp4", os.O_RDONLY)
    try:
        assert check_mp4(fd) is None
        return probe(fd, "mov", "merged.mp4")
    finally:
        os.close(fd)


def merge_facts(site: Site) -> dict[str, object]:
    facts = site.facts()["merge"]
    assert isinstance(facts, dict)
    return facts


def rgb(path: Path, frame: int, x: int, y: int) -> tuple[int, int, int]:
    """The colour of one pixel of one frame."""
    for number, (picture, _, _) in enumerate(planes(path)):
        if number == frame:
            plane = picture.reformat(format="rgb24").planes[0]
            at = y * plane.line_size + 3 * x
            red, green, blue = bytes(plane)[at : at + 3]
            return red, green, blue
    raise AssertionError(f"there is no frame {frame}")


def close(found: tuple[int, int, int], wanted: tuple[float, float, float], off: float = 8) -> bool:
    return all(abs(a - b) <= off for a, b in zip(found, wanted, strict=True))


def test_two_cameras_blend_into_each_other_over_the_feather(site: Site) -> None:
    """W_left + W_right - 100 wide; in the seam `A * (1 - X/W) + B * (X/W)`, in all planes."""
    colour(site.recording / "camera_0.mp4", "0xC02020")
    colour(site.recording / "camera_1.mp4", "0x2020C0", size="400x240")
    assert site.run("merge").code == 0
    facts = merged(site)
    assert (facts.width, facts.height, facts.frames, facts.streams) == (620, 240, 10, 1)
    path = site.recording / "merged.mp4"
    left, right = (0xC0, 0x20, 0x20), (0x20, 0x20, 0xC0)
    for x in (0, 150, 216):
        assert close(rgb(path, 5, x, 120), left)
    for x in (324, 500, 619):
        assert close(rgb(path, 5, x, 120), right)
    for step in range(4, 100, 8):
        share = step / 100
        wanted = tuple(a * (1 - share) + b * share for a, b in zip(left, right, strict=True))
        assert close(rgb(path, 5, 220 + step, 120), (wanted[0], wanted[1], wanted[2]))


def test_stacked_cameras_overlap_by_half_the_feather(site: Site) -> None:
    """One over the other, the overlap min(50, feather/2), blended from top to bottom."""
    colour(site.recording / "camera_0.mp4", "0xC02020")
    colour(site.recording / "camera_1.mp4", "0x2020C0")
    site.merge = {"layout": "stacked", "feather": 100}
    assert site.run("merge").code == 0
    facts = merged(site)
    assert (facts.width, facts.height) == (320, 430)
    path = site.recording / "merged.mp4"
    assert close(rgb(path, 0, 160, 180), (0xC0, 0x20, 0x20))
    assert close(rgb(path, 0, 160, 215), (0x70, 0x20, 0x70))
    assert close(rgb(path, 0, 160, 250), (0x20, 0x20, 0xC0))


def test_the_frame_counter_is_unbroken_in_the_merged_video(site: Site) -> None:
    """Every frame of both cameras is in it, once, in order, at the same time."""
    counted(site.recording / "camera_0.mp4", 3, seconds=3)
    counted(site.recording / "camera_1.mp4", 7, seconds=3)
    site.merge = {"feather": 20}
    ended = site.run("merge")
    assert ended.code == 0 and ended.notes == []
    assert ended.percents[-1] == 100
    for camera, x in ((3, 0), (7, 300)):
        readings = frames_read(site.recording / "merged.mp4", x)
        assert [r and (r.camera, r.frame) for r in readings] == [(camera, n) for n in range(30)]


def test_cameras_of_unequal_length_are_merged_to_the_longer(site: Site) -> None:
    """4 s and 1 s give 4 s: black fills the gap, which is noted and kept in recording.json."""
    colour(site.recording / "camera_0.mp4", "red", seconds=4)
    colour(site.recording / "camera_1.mp4", "red", seconds=1)
    ended = site.run("merge")
    assert ended.code == 0
    assert ended.notes == ["camera 1 is 3.0 s shorter: black until the end"]
    assert merge_facts(site)["notes"] == ended.notes
    assert merge_facts(site)["seconds"] == 4.0
    assert merged(site).frames == 40
    path = site.recording / "merged.mp4"
    assert close(rgb(path, 9, 500, 100), (254, 0, 0)) and close(rgb(path, 10, 500, 100), (0, 0, 0))
    assert close(rgb(path, 39, 100, 100), (254, 0, 0))


def test_different_sizes_rates_and_containers_are_brought_together(site: Site) -> None:
    """The larger height, the higher rate, odd sizes made even; Matroska and MPEG-TS are read."""
    source = "testsrc2=size=161x121:rate=5:d=2,format=yuv444p"
    ffmpeg("-f", "lavfi", "-i", source, str(site.recording / "camera_0.mkv"))
    colour(site.recording / "camera_1.ts", "blue", seconds=2)
    site.merge = {"feather": 50}
    assert site.run("merge").code == 0
    facts = merged(site)
    assert (facts.width, facts.height) == (320 + 320 - 50, 240)
    assert facts.rate == 10 and facts.frames == 20


def test_one_camera_is_remuxed(site: Site) -> None:
    """The pictures stay as they are, to the byte; the index comes first."""
    site.cameras = ("0",)
    counted(site.recording / "camera_0.mp4", 1, seconds=2, extra="-movflags +frag_keyframe")
    ended = site.run("merge")
    assert ended.code == 0 and ended.notes == []
    facts = merge_facts(site)
    assert (facts["method"], facts["layout"]) == ("copy", "single")
    assert "label" not in facts
    assert [r and r.frame for r in frames_read(site.recording / "merged.mp4")] == list(range(20))


def test_parts_of_one_camera_are_joined_in_their_order(site: Site) -> None:
    """`camera_0.part-2` comes after `camera_0`, and 10 after 2."""
    site.cameras = ("0",)
    for number, part in enumerate(("", ".part-2", ".part-10")):
        counted(site.recording / f"camera_0{part}.mp4", number, seconds=0.5)
    assert site.run("merge").code == 0
    readings = frames_read(site.recording / "merged.mp4")
    assert [r and (r.camera, r.frame) for r in readings] == [
        (camera, frame) for camera in range(3) for frame in range(5)
    ]


def test_free_names_are_cameras_by_name(site: Site) -> None:
    """A drop of `left` and `right`: footage by name; `merged.mp4` of a run before is none."""
    colour(site.recording / "left.mp4", "0xC02020")
    colour(site.recording / "right.mov", "0x2020C0")
    assert site.run("merge").code == 0
    assert site.run("merge").code == 0
    assert site.facts()["footage"] == {"left": ["left.mp4"], "right": ["right.mov"]}
    assert close(rgb(site.recording / "merged.mp4", 0, 10, 10), (0xC0, 0x20, 0x20))


def test_footage_that_changed_is_pinned_anew_and_said(site: Site) -> None:
    """What is there now counts; the difference is told."""
    colour(site.recording / "camera_0.mp4", "red")
    site.tell(footage={"0": ["camera_0.mp4"], "2": ["camera_2.mp4"]}, by="hand")
    ended = site.run("merge")
    assert "the footage changed since it was pinned: camera_2.mp4 is gone" in ended.notes
    assert site.facts()["footage"] == {"0": ["camera_0.mp4"]}
    assert site.facts()["by"] == "hand"


def test_a_missing_camera_is_said(site: Site) -> None:
    """The one that is there is used, and labelled."""
    colour(site.recording / "camera_1.mp4", "red")
    ended = site.run("merge")
    assert ended.code == 0
    assert ended.notes == ["camera 0 left no footage"]
    assert merge_facts(site)["label"] == "one_camera"


def test_a_third_camera_is_left_out_and_said(site: Site) -> None:
    """There is no layout for three: the first two by name."""
    for camera in (2, 10, 1):
        colour(site.recording / f"camera_{camera}.mp4", "red")
    site.cameras = ("1", "2", "10")
    ended = site.run("merge")
    assert (ended.code, ended.notes) == (0, ["camera 10 is left out: 2 are merged"])


def empty(path: Path) -> None:
    path.touch()


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 200)


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")


def concat_list(path: Path) -> None:
    path.write_text("ffconcat version 1.0\nfile '/etc/passwd'\n")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def directory(path: Path) -> None:
    path.mkdir()


def no_index(path: Path) -> None:
    """A plain MP4 whose writer was killed: it begins well and has no moov."""
    colour(path, "red")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


def head_only(path: Path) -> None:
    """A faststart file cut off before its first picture."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=1:r=10", "-movflags", "+faststart", str(path))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 8])


def sound_only(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-f", "mp4", str(path))


BAD = {
    empty: "is empty",
    noise: "is neither MP4, MOV, Matroska nor MPEG-TS",
    playlist: "is a playlist",
    concat_list: "is a playlist",
    fifo: "is a FIFO",
    link: "is a symbolic link",
    directory: "is a directory",
    no_index: "can't be read as a video",
    head_only: "no frame that can be decoded",
    sound_only: "has no picture",
}


@pytest.mark.parametrize("spoil", BAD)
def test_a_bad_camera_is_left_out_and_alone_it_is_refused(site: Site, spoil: object) -> None:
    """Beside a good camera: that one alone, labelled, with a note. Alone: 65 and a sentence."""
    assert callable(spoil)
    spoil(site.recording / "camera_1.mp4")
    ended = site.run("merge")
    assert ended.code == 65
    assert (
        f"camera_1.mp4 {BAD[spoil]}" in ended.err or f"camera_1.mp4 has {BAD[spoil]}" in ended.err
    )
    assert not (site.recording / "merged.mp4").exists()

    colour(site.recording / "camera_0.mp4", "red")
    ended = site.run("merge")
    assert ended.code == 0, ended.err
    assert "camera 1 can't be used" in ended.notes
    assert merge_facts(site)["label"] == "one_camera"
    assert merged(site).frames == 10


def test_a_truncated_camera_is_used_as_far_as_it_goes(site: Site) -> None:
    """Its index claims 4 s, its bytes say less: what is there is used, the rest is black and said."""
    colour(site.recording / "camera_0.mp4", "red", seconds=4)
    path = site.recording / "camera_1.mp4"
    source = "testsrc2=size=320x240:rate=10:d=4"
    options = ["-preset", "ultrafast", "-g", "10", "-bf", "0", "-movflags", "+faststart"]
    ffmpeg("-f", "lavfi", "-i", source, *options, str(path))
    size = path.stat().st_size
    os.truncate(path, size // 2)
    ended = site.run("merge")
    assert ended.code == 0, ended.err
    missing = size - size // 2
    assert ended.notes[0].startswith(f"camera_1.mp4 is cut off, {missing} bytes are missing: ")
    assert any("shorter: black until the end" in text for text in ended.notes)
    assert merged(site).frames == 40


def test_no_footage_is_refused(site: Site) -> None:
    """Nothing to merge: 65, and what to do."""
    ended = site.run("merge")
    assert ended.code == 65
    assert "there is no footage" in ended.err
    assert "there is no footage" in ended.notes[-1]


def test_a_left_over_partial_is_replaced(site: Site) -> None:
    """Also one that is a link to something else, which stays as it is."""
    colour(site.recording / "camera_0.mp4", "red")
    victim = site.root / "victim"
    victim.write_text("mine")
    (site.recording / "merged.mp4.partial").symlink_to(victim)
    assert site.run("merge").code == 0
    assert victim.read_text() == "mine"
    assert not (site.recording / "merged.mp4.partial").is_symlink()
    assert merged(site).frames == 10


def test_success_that_is_none_gets_no_name(site: Site, tmp_path: Path) -> None:
    """ffmpeg ends with 0 and too few frames: a failed attempt, and nothing is called merged.mp4."""
    for camera in (0, 1):
        colour(site.recording / f"camera_{camera}.mp4", "red")
    liar = tmp_path / "bin" / "ffmpeg"
    liar.parent.mkdir()
    liar.write_text(
        f'#!/bin/bash\nexec "{find_ffmpeg()}" "${{@:1:$#-1}}" -frames:v 3 "${{@: -1}}"\n'
    )
    liar.chmod(0o755)
    site.path = f"{liar.parent}:{site.path}"
    ended = site.run("merge")
    assert ended.code == 1
    assert "merged.mp4 has 3 frames, the inputs have 10" in ended.err
    assert not list(site.recording.glob("merged*"))


def test_a_merge_stopped_by_term_leaves_no_partial(site: Site) -> None:
    """TERM to the group: ffmpeg is gone, the partial too, the exit is no success."""
    for camera in (0, 1):
        colour(site.recording / f"camera_{camera}.mp4", "red", size="1280x720", seconds=40, rate=30)
    running = site.start("merge")
    partial = site.recording / "merged.mp4.partial"
    until(lambda: partial.exists() and partial.stat().st_size > 0)
    running.kill_group(signal.SIGTERM)
    ended = running.wait()
    assert ended.code == 143
    assert not partial.exists() and not (site.recording / "merged.mp4").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(running.process.pid, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is no JSON object"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": "' + "x" * (1 << 20) + '"}', "is larger than 1 MiB"),
        ("\xff", "is not JSON"),
    ],
)
def test_a_hostile_document_is_a_sentence(site: Site, text: str, said: str) -> None:
    """recording.json comes with the drop: 65, and nothing of it is overwritten."""
    colour(site.recording / "camera_0.mp4", "red")
    (site.recording / "recording.json").write_bytes(text.encode("latin-1"))
    ended = site.run("merge")
    assert ended.code == 65
    assert f"recording.json {said}" in ended.err
    assert (site.recording / "recording.json").read_bytes() == text.encode("latin-1")


def test_a_document_that_is_a_link_is_not_followed(site: Site) -> None:
    """Neither read nor written through."""
    (site.recording / "recording.json").symlink_to("/etc/passwd")
    colour(site.recording / "camera_0.mp4", "red")
    ended = site.run("merge")
    assert ended.code == 65
    assert "recording.json is not a plain file" in ended.err


def test_what_another_attempt_does_differently_is_said(site: Site) -> None:
    """The first one finds that there is no such hardware; the second does not try it, and says so."""
    for camera in "01":
        colour(site.recording / f"camera_{camera}.mp4", "red")
    site.merge = {"encoder": "h264_v4l2m2m"}
    first = site.run("merge")
    assert first.code == 0 and "x264 is used instead" in first.notes[0]
    again = site.run("merge", {**site.job("merge"), "attempt": 2})
    assert again.notes == ["attempt 2: x264 instead of h264_v4l2m2m"]
    assert merge_facts(site)["notes"] == again.notes
