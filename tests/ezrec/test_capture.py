"""The hook `capture` and its synthetic cameras, with real ffmpeg."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path

import pytest

from ezrec.media.fragments import content_of
from tests.ezrec.real_media import Ended, Site, colour, frames_read, until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(root=tmp_path, capture={"size": [320, 240], "rate": 10, "bitrate": 400_000})


def frames_in(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as stream:
        return content_of(stream).frames


def least_frames(site: Site) -> int:
    """How many frames each of the two cameras has in whole fragments, at least."""
    return min(frames_in(site.recording / f"camera_{camera}.mp4") for camera in (0, 1))


def counts(path: Path) -> list[int]:
    """The frame numbers in the file; every frame has to have one."""
    readings = frames_read(path)
    assert None not in readings
    return [reading.frame for reading in readings if reading]


def test_two_cameras_record_for_the_time_that_was_asked(site: Site) -> None:
    """Both deliver every frame of the time, the counter is unbroken, each says which it is."""
    site.tell(seconds=2)
    ended = site.run("capture")
    assert ended.code == 0, ended.err
    for camera in (0, 1):
        path = site.recording / f"camera_{camera}.mp4"
        assert counts(path) == list(range(20))
        assert {reading.camera for reading in frames_read(path) if reading} == {camera}
    one = {"files": ["camera_0.mp4"], "frames": 20, "seconds": 2.0}
    two = {**one, "files": ["camera_1.mp4"]}
    assert site.facts() == {"seconds": 2, "capture": {"cameras": {"0": one, "1": two}}}
    assert ended.percents


def test_a_camera_that_has_no_picture_yet_has_an_empty_file(site: Site) -> None:
    """Its header comes with the first pictures: killed before that, there is nothing to be kept."""
    path, sizes = site.recording / "camera_0.mp4", set()
    running = site.start("capture")

    def begun() -> bool:
        sizes.add(path.stat().st_size if path.exists() else 0)
        return least_frames(site) >= 10

    until(begun)
    running.kill_group(signal.SIGTERM)
    running.wait()
    assert 0 in sizes
    assert [size for size in sizes if 0 < size < 2000] == []


def test_a_capture_stopped_by_term_ends_well(site: Site) -> None:
    """TERM to the process group: ffmpeg finishes its files, the hook accounts for them, exit 0."""
    running = site.start("capture")
    until(lambda: least_frames(site) >= 10)
    running.kill_group(signal.SIGTERM)
    ended = running.wait()
    assert ended.code == 0, ended.err
    for camera in (0, 1):
        found = counts(site.recording / f"camera_{camera}.mp4")
        assert found == list(range(len(found))) and len(found) >= 10
        assert frames_in(site.recording / f"camera_{camera}.mp4") == len(found)
    assert "problem" not in str(site.facts())


def test_only_the_hook_ends_its_cameras(site: Site) -> None:
    """A TERM that goes to the whole group must not reach ffmpeg beside the hook's own signal.

    Two signals would make it drop its last fragment.
    """
    site.tell(seconds=2)
    running = site.start("capture")
    until(lambda: least_frames(site) >= 10)
    for child in running.children():
        os.kill(child, signal.SIGTERM)
    assert running.wait().code == 0
    assert counts(site.recording / "camera_0.mp4") == list(range(20))
    assert counts(site.recording / "camera_1.mp4") == list(range(20))


def test_a_capture_that_is_killed_keeps_its_fragments(site: Site) -> None:
    """KILL to the group costs at most the last second; run again, the rest is recorded and merged."""
    site.tell(seconds=4)
    site.merge = {"feather": 20}
    running = site.start("capture")
    until(lambda: least_frames(site) >= 20)
    running.kill_group(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    kept = {camera: counts(site.recording / f"camera_{camera}.mp4") for camera in (0, 1)}
    assert all(found == list(range(len(found))) and len(found) >= 20 for found in kept.values())
    before = (site.recording / "camera_0.mp4").read_bytes()

    assert site.run("capture").code == 0
    assert (site.recording / "camera_0.mp4").read_bytes() == before
    rest = counts(site.recording / "camera_0.part-2.mp4")
    assert rest == list(range(40 - max(map(len, kept.values()))))

    assert site.run("merge").code == 0
    joined = [reading.frame for reading in frames_read(site.recording / "merged.mp4") if reading]
    assert joined == [*kept[0], *rest]


def test_a_capture_that_is_done_already_records_nothing(site: Site) -> None:
    """A hook is run at least once: the second run finds the time recorded."""
    site.tell(seconds=1)
    assert site.run("capture").code == 0
    ended = site.run("capture")
    assert ended.code == 0
    assert ended.notes == ["the whole time is recorded already"]
    assert sorted(path.name for path in site.recording.glob("camera_*")) == [
        "camera_0.mp4",
        "camera_1.mp4",
    ]


def test_another_take_is_as_long_as_was_asked_for(site: Site) -> None:
    """What was there when an operator asked for another take does not count; what comes after does."""
    site.tell(seconds=1)
    assert site.run("capture").code == 0
    site.requested = True
    assert site.run("capture").code == 0
    assert len(counts(site.recording / "camera_0.part-2.mp4")) == 10
    site.requested = False
    assert site.run("capture").notes == ["the whole time is recorded already"]


def test_a_forced_take_never_touches_footage(site: Site) -> None:
    """Without `seconds` another take of at most `max_seconds` is recorded beside what is there."""
    colour(site.recording / "camera_0.mp4", "red")
    (site.recording / "camera_1.mp4").symlink_to("/etc/passwd")
    before = (site.recording / "camera_0.mp4").read_bytes()
    site.capture["max_seconds"] = 1
    assert site.run("capture").code == 0
    assert (site.recording / "camera_0.mp4").read_bytes() == before
    assert counts(site.recording / "camera_0.part-2.mp4") == list(range(10))
    assert counts(site.recording / "camera_1.part-2.mp4") == list(range(10))


def test_one_camera_failing_does_not_stop_the_other(site: Site) -> None:
    """One camera's process dies: the other records to the end, and it is said."""
    site.tell(seconds=3)
    running = site.start("capture")
    until(lambda: frames_in(site.recording / "camera_0.mp4") >= 10)
    os.kill(running.children()[0], signal.SIGKILL)
    ended = running.wait()
    assert ended.code == 0, ended.err
    assert counts(site.recording / "camera_1.mp4") == list(range(30))
    assert len(counts(site.recording / "camera_0.mp4")) >= 10
    assert any(text.startswith("camera 0: ffmpeg ended with status -9") for text in ended.notes)
    assert "ffmpeg ended with status -9" in str(site.facts()["capture"])


def test_nobody_delivering_a_frame_is_a_failed_attempt(site: Site) -> None:
    """Exit 1, with what each camera said; empty files don't stay behind as footage."""
    site.tell(seconds=1)
    site.capture["size"] = [100_002, 100_000]
    ended = site.run("capture")
    assert ended.code == 1
    assert "no camera delivered a frame: camera 0: ffmpeg ended with" in ended.err
    assert "camera 1: ffmpeg ended with" in ended.err
    assert not list(site.recording.glob("camera_*"))


#: Stands in for a camera that is cut off: it writes what stands in `start`, says why, and is gone.
CUT_OFF = """\
#!/bin/sh
for target; do :; done
cat {start} > "${{target#file:}}"; echo "{said}" >&2; exit 1
"""


def cut_off(site: Site, start: bytes, said: str) -> Ended:
    """A capture whose two cameras get no further than `start`."""
    program = site.root / "bin" / "ffmpeg"
    program.parent.mkdir()
    (site.root / "start").write_bytes(start)
    program.write_text(CUT_OFF.format(start=site.root / "start", said=said))
    program.chmod(0o755)
    site.path = f"{program.parent}:{site.path}"
    return site.run("capture")


def before_the_first_fragment(site: Site) -> tuple[bytes, bytes]:
    """(what a camera writes when it begins, the beginning of its first fragment)."""
    site.tell(seconds=1)
    assert site.run("capture").code == 0
    for path in site.recording.glob("camera_1*"):
        path.unlink()
    take = site.recording / "camera_0.mp4"
    data = take.read_bytes()
    take.unlink()
    first = data.index(b"moof") - 4
    return data[:first], data[first : first + 1000]


@pytest.mark.parametrize("how", ["whole", "cut", "ended"])
def test_a_take_without_a_picture_is_no_footage(site: Site, how: str) -> None:
    """A camera that dies in its first second has written a header: the attempt failed, nothing is kept.
    One that was asked to finish by then has written how it ends, too.
    """
    header, _ = before_the_first_fragment(site)
    end = struct.pack(">I4sI4s8x", 24, b"mfra", 16, b"mfro")
    starts = {"whole": header, "cut": header[:-100], "ended": header + end}
    ended = cut_off(site, starts[how], "")
    assert ended.code == 1
    assert "camera 1: ffmpeg ended with status 1: it said nothing" in ended.err
    assert not list(site.recording.glob("camera_*"))


def test_a_full_disk_is_waited_for_where_there_is_no_picture(site: Site) -> None:
    """There was room for a header alone: nothing was recorded, it is tried again."""
    header, _ = before_the_first_fragment(site)
    ended = cut_off(site, header, "No space left on device")
    assert ended.code == 75
    assert "make room; it is tried again" in ended.err
    assert not list(site.recording.glob("camera_*"))


def test_a_full_disk_keeps_a_part_of_a_picture(site: Site) -> None:
    """What may be shown is never thrown away, and what is kept is not filmed once more."""
    header, part = before_the_first_fragment(site)
    ended = cut_off(site, header + part, "No space left on device")
    assert ended.code == 65
    assert "what was recorded until then is kept" in ended.err
    assert (site.recording / "camera_0.mp4").read_bytes() == header + part


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("soon", "'seconds' must be a number"),
        (True, "'seconds' must be a number"),
        ([], "'seconds' must be a number"),
        (float("inf"), "recording.json is not JSON: Infinity is no number"),
    ],
)
def test_a_length_that_is_none_is_refused(site: Site, seconds: object, words: str) -> None:
    """`seconds` in recording.json was written by somebody: 65 and a sentence."""
    site.tell(seconds=seconds)
    ended = site.run("capture")
    assert ended.code == 65
    assert words in ended.err
