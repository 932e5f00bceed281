"""`ezrec merge` and `ezrec probe`: any files, as a person types it, with real ffmpeg."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from ezrec.media.facts import Facts
from ezrec.media.probe import probe
from ezrec.media.times import head
from tests.ezrec.real_media import colour, counted, ffmpeg, frames_read, planes, until

EZREC = Path(sys.executable).with_name("ezrec")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A directory in which somebody merges files; no root is anywhere near."""

    place: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("EZREC")}
        return subprocess.Popen(
            [EZREC, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.place,
            env=kept,
        )

    def ezrec(self, *words: str, code: int = 0) -> str:
        """What it says on stdout, or on stderr where it is to fail."""
        process = self.start(*words)
        out, err = process.communicate(timeout=100)
        assert process.returncode == code, (out, err)
        assert "Traceback" not in err
        return err if code else out

    def names(self) -> set[str]:
        return set(os.listdir(self.place))

    def facts(self, name: str = "out.mp4") -> Facts:
        fd = os.open(self.place / name, os.O_RDONLY)
        try:
            return probe(fd, "mov", name)
        finally:
            os.close(fd)

    def times(self, name: str, seconds: Sequence[float]) -> None:
        (self.place / name).write_text(head("boot") + "".join(f"{each:.6f}\n" for each in seconds))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(place=tmp_path)


def pixel(path: Path, x: int, y: int, number: int = 5) -> int:
    """How bright one pixel of one frame is."""
    for index, (_, luma, stride) in enumerate(planes(path)):
        if index == number:
            return luma[y * stride + x]
    raise AssertionError(f"there is no frame {number}")


def test_two_files_become_one(desk: Desk) -> None:
    """Side by side, as wide as both without the seam; the inputs are as they were."""
    colour(desk.place / "left.mp4", "red")
    colour(desk.place / "right.mp4", "blue")
    before = (desk.place / "left.mp4").read_bytes()
    said = desk.ezrec("merge", "left.mp4", "right.mp4", "out.mp4")
    assert said == "out.mp4: 540x240, 1.0 s, 10 frames at 10 a second, encoded\n"
    assert (desk.facts().width, desk.facts().height, desk.facts().frames) == (540, 240, 10)
    assert (desk.place / "left.mp4").read_bytes() == before
    assert desk.names() == {"left.mp4", "right.mp4", "out.mp4"}


def test_cameras_that_began_apart_and_drift_are_brought_together(desk: Desk) -> None:
    """0.74 s later, on a clock that runs slow by 4000 ppm: read from the counters that are burnt in, no frame
    of the second camera is shown a frame's time before or after it was taken."""
    first = [100 + number / 10 for number in range(300)]
    second = [100.74 + 1.004 * number / 10 for number in range(280)]
    counted(desk.place / "left.mp4", 1, seconds=30)
    counted(desk.place / "right.mp4", 2, seconds=28)
    desk.times("left.times", first)
    desk.times("right.times", second)
    desk.ezrec("merge", "left.mp4", "right.mp4", "out.mp4", "--feather", "20")
    left = frames_read(desk.place / "out.mp4")
    right = frames_read(desk.place / "out.mp4", 300)
    assert [each and each.frame for each in left] == list(range(300))
    shown = {k: each.frame for k, each in enumerate(right) if each is not None}
    off = [abs(first[k] - second[frame]) for k, frame in shown.items()]
    assert len(shown) > 270 and max(off) < 0.1
    assert right[6] is None and shown[7] == 0  # black until it began


def test_a_picture_is_turned(desk: Desk) -> None:
    """By a quarter turn every pixel is kept; by two degrees the corners are cut off, and none is black."""
    ffmpeg(
        *("-f", "lavfi", "-i", "color=c=white:s=320x240:r=10:d=1,drawbox=w=160:t=fill:c=black"),
        str(desk.place / "a.mp4"),
    )
    desk.ezrec("merge", "a.mp4", "out.mp4", "--rotate", "90")
    assert (desk.facts().width, desk.facts().height) == (240, 320)
    assert (
        pixel(desk.place / "out.mp4", 120, 40) < 40
        and pixel(desk.place / "out.mp4", 120, 280) > 200
    )
    desk.ezrec("merge", "a.mp4", "out.mp4", "--rotate", "2", "--force")
    assert (desk.facts().width, desk.facts().height) == (320, 240)
    assert all(pixel(desk.place / "out.mp4", 317, y) > 200 for y in (2, 120, 237))


def test_the_picture_is_fitted_into_a_size_and_a_rate(desk: Desk) -> None:
    """Whole, in the middle, with black beside it."""
    colour(desk.place / "a.mp4", "white")
    desk.ezrec("merge", "a.mp4", "out.mp4", "--size", "640x240", "--rate", "20")
    facts = desk.facts()
    assert (facts.width, facts.height, int(facts.rate), facts.frames) == (640, 240, 20, 20)
    path = desk.place / "out.mp4"
    assert pixel(path, 80, 120) < 40 and pixel(path, 320, 120) > 200 and pixel(path, 560, 120) < 40


def loudness(path: Path, start: float, end: float) -> float:
    """The mean of the sound's magnitude between two seconds, 0 to 1."""
    total, count = 0.0, 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            at = float(frame.pts * frame.time_base)  # type: ignore[operator]
            if start <= at < end:
                samples = memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]
                total += sum(map(abs, samples))
                count += len(samples)
    return total / max(count, 1)


def test_sound_is_kept_at_its_time(desk: Desk) -> None:
    """The second camera has sound, and began a second later: so does its sound; of one side there is none."""
    colour(desk.place / "left.mp4", "red", seconds=3)
    ffmpeg(
        *("-f", "lavfi", "-i", "color=c=blue:s=320x240:r=10:d=2", "-f", "lavfi"),
        *("-i", "sine=f=440:d=2", "-c:a", "aac", str(desk.place / "right.mp4")),
    )
    desk.times("left.times", [n / 10 for n in range(30)])
    desk.times("right.times", [1 + n / 10 for n in range(20)])
    desk.ezrec("merge", "left.mp4", "right.mp4", "out.mp4")
    path = desk.place / "out.mp4"
    assert desk.facts().streams == 2
    assert loudness(path, 0.1, 0.9) < 0.005 < 0.03 < loudness(path, 1.1, 2.8)
    desk.ezrec("merge", "left.mp4", "right.mp4", "out.mp4", "--audio", "left", "--force")
    assert desk.facts().streams == 1


KINDS = {
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none"),
    "mjpeg.mkv": ("-c:v", "mjpeg", "-q:v", "3"),
    "fragmented.mp4": ("-c:v", "libx264", "-movflags", "+frag_keyframe+empty_moov"),
    "stream.ts": ("-c:v", "libx264"),
    "deep.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
    "full.mkv": ("-c:v", "libx264", "-pix_fmt", "yuv444p"),
}


@pytest.mark.parametrize("name", KINDS)
def test_inputs_of_every_kind_are_merged(desk: Desk, name: str) -> None:
    """H.265, MJPEG, fragments, a transport stream, ten bits, full colour, with an odd size beside them."""
    source = ("-f", "lavfi", "-i", "color=c=white:s=320x240:r=10:d=1")
    ffmpeg(*source, *KINDS[name], str(desk.place / name))
    odd = "color=c=white:s=161x121:r=5:d=1,format=yuv444p"
    ffmpeg("-f", "lavfi", "-i", odd, str(desk.place / "odd.mkv"))
    desk.ezrec("merge", name, "odd.mkv", "out.mp4", "--feather", "50")
    facts = desk.facts()
    assert (facts.width, facts.height, facts.frames) == (320 + 320 - 50, 240, 10)
    assert facts.pixels == "yuv420p"
    assert pixel(desk.place / "out.mp4", 100, 100) > 200 < pixel(desk.place / "out.mp4", 500, 100)


@pytest.mark.parametrize("rotate", [90, 180])
def test_a_flag_of_rotation_is_obeyed(desk: Desk, rotate: int) -> None:
    """What a phone has filmed upright is upright."""
    ffmpeg(
        *("-f", "lavfi", "-i", "color=c=white:s=320x240:r=10:d=1,drawbox=w=160:t=fill:c=black"),
        str(desk.place / "a.mp4"),
    )
    ffmpeg(
        *("-i", str(desk.place / "a.mp4"), "-c", "copy", "-metadata:s:v:0", f"rotate={rotate}"),
        str(desk.place / "turned.mp4"),
    )
    (told,) = json.loads(desk.ezrec("probe", "--json", "turned.mp4"))
    assert told["rotation"] == 360 - rotate  # ffmpeg writes it for the other way round
    desk.ezrec("merge", "turned.mp4", "out.mp4")
    assert desk.facts().height == told["height"] == (320 if rotate == 90 else 240)
    desk.ezrec("merge", "turned.mp4", "out.mp4", "--rate", "20", "--force")
    dark, bright = ((120, 280), (120, 40)) if rotate == 90 else ((280, 120), (40, 120))
    assert pixel(desk.place / "out.mp4", *dark) < 40
    assert pixel(desk.place / "out.mp4", *bright) > 200


def test_what_is_no_video_is_refused_in_one_sentence(desk: Desk) -> None:
    """65; nothing is made, and nothing waits for ever."""
    colour(desk.place / "good.mp4", "red")
    (desk.place / "list.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    (desk.place / "empty.mp4").touch()
    (desk.place / "text.mp4").write_text("hello " * 500)
    (desk.place / "directory.mp4").mkdir()
    os.mkfifo(desk.place / "fifo.mp4")
    before = desk.names()
    for name in ("list.mp4", "empty.mp4", "text.mp4", "directory.mp4", "fifo.mp4", "nothing.mp4"):
        said = desk.ezrec("merge", "good.mp4", name, "out.mp4", code=65)
        assert said.startswith("ezrec: ") and name in said and len(said.splitlines()) <= 2
    assert desk.names() == before
    answer = desk.ezrec("probe", "--json", "good.mp4", "list.mp4", code=65)
    assert answer == ""


def test_what_is_there_is_never_written_over_unasked(desk: Desk) -> None:
    """Another file, or an input; and a name that is no video's."""
    colour(desk.place / "a.mp4", "red")
    (desk.place / "out.mp4").write_text("mine")
    assert "there already" in desk.ezrec("merge", "a.mp4", "out.mp4", code=65)
    assert (desk.place / "out.mp4").read_text() == "mine"
    said = desk.ezrec("merge", "a.mp4", "./a.mp4", "--force", code=65)
    assert "is one of the inputs" in said
    assert "call it something.mp4" in desk.ezrec("merge", "a.mp4", "out.avi", code=65)
    assert "there is no directory" in desk.ezrec("merge", "a.mp4", "gone/out.mp4", code=65)
    desk.ezrec("merge", "a.mp4", "out.mp4", "--force")
    assert desk.facts().frames == 10


def test_mistakes_on_the_command_line_are_named(desk: Desk) -> None:
    """What was said, and how to say it."""
    colour(desk.place / "a.mp4", "red")
    assert "one or two videos" in desk.ezrec("merge", "a.mp4", code=2)
    assert "is no angle" in desk.ezrec("merge", "a.mp4", "o.mp4", "--rotate", "round", code=78)
    assert "like 1280x720" in desk.ezrec("merge", "a.mp4", "o.mp4", "--size", "big", code=78)
    assert "k1 and k2" in desk.ezrec("merge", "a.mp4", "o.mp4", "--lens", "1", code=78)
    assert desk.names() == {"a.mp4"}


def test_a_dry_run_says_the_command_and_makes_nothing(desk: Desk) -> None:
    """The size and the length, and ffmpeg's command line."""
    colour(desk.place / "a.mp4", "red")
    said = desk.ezrec("merge", "a.mp4", "a.mp4", "out.mp4", "--layout", "stacked", "--dry-run")
    first, command = said.splitlines()
    assert first == "out.mp4: 320x430, 1.0 s, 10 frames at 10 a second"
    assert command.startswith("ffmpeg ") and "vstack" in command
    assert desk.names() == {"a.mp4"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "TERM"]
)
def test_a_merge_that_is_stopped_leaves_nothing(
    desk: Desk, number: signal.Signals, code: int
) -> None:
    """Its partial file goes, and ffmpeg with it."""
    colour(desk.place / "a.mp4", "red", seconds=4000)
    process = desk.start("merge", "a.mp4", "a.mp4", "out.mp4")
    until(lambda: "out.mp4.partial" in desk.names())
    until(lambda: (desk.place / "out.mp4.partial").stat().st_size > 0)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code and "Traceback" not in err
    assert desk.names() == {"a.mp4"}


def test_hardware_that_is_not_there_is_said_and_done_without(desk: Desk) -> None:
    """A merge is made all the same."""
    colour(desk.place / "a.mp4", "red")
    process = desk.start("merge", "a.mp4", "a.mp4", "out.mp4", "--encoder", "h264_v4l2m2m")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and desk.facts().codec == "h264"
    assert err.startswith("ezrec: h264_v4l2m2m does not work here, x264 is used instead: ")


def test_probe_counts_and_does_not_believe(desk: Desk) -> None:
    """A file that is cut off has the frames that are there, and says how much is missing."""
    counted(desk.place / "a.mp4", 1, seconds=4, extra="-movflags +faststart -g 10 -bf 0")
    whole = (desk.place / "a.mp4").stat().st_size
    os.truncate(desk.place / "a.mp4", whole // 2)
    (told,) = json.loads(desk.ezrec("probe", "--json", "a.mp4"))
    assert told["missing_bytes"] == whole - whole // 2
    assert 0 < told["frames"] < 40 and told["codec"] == "h264" and told["audio"] is None
    shown = desk.ezrec("probe", "a.mp4")
    assert "h264 in mov" in shown and "cut off" in shown
