"""Times of frames: clocks that are fitted, sidecars that are read, and where clips come to lie."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.media.aligning import align
from ezrec.media.clocks import Line, alignment, fit
from ezrec.media.facts import Facts
from ezrec.media.places import Clip, place
from ezrec.media.times import Times, head, parse, read_times, times_name
from ezrec.media.turning import turn
from ezrec.statemachine import files

RATE = Fraction(10)


def facts(seconds: float = 10.0, *, begins: float = 0.0, container: str = "mov") -> Facts:
    frames = round(seconds * 10)
    return Facts(
        codec="h264",
        width=320,
        height=240,
        rate=RATE,
        seconds=seconds,
        frames=frames,
        begins=begins,
        container=container,
        own=tuple(number / 10 for number in range(frames)),
    )


def times(start: float, pace: float, count: int, clock: str = "boot") -> Times:
    return Times(clock=clock, seconds=tuple(start + pace * n / 10 for n in range(count)))


@given(
    start=st.floats(-1e5, 1e5),
    drift=st.floats(-0.005, 0.005),
    count=st.integers(30, 300),
    jitter=st.lists(st.floats(-0.001, 0.001), min_size=300, max_size=300),
)
def test_a_known_line_is_found_again(
    start: float, drift: float, count: int, jitter: list[float]
) -> None:
    """Offset and drift of a clock with a millisecond of jitter, and how far its frames lie off."""
    own = [n / 10 for n in range(count)]
    shared = [start + (1 + drift) * at + off for at, off in zip(own, jitter, strict=False)]
    line = fit(own, shared)
    assert line.start == pytest.approx(start, abs=0.002)
    assert all(
        line.shared(at) == pytest.approx(b, abs=0.0041) for at, b in zip(own, shared, strict=True)
    )
    assert line.residual <= 0.0041


def test_few_frames_or_times_that_make_no_sense_tell_no_pace() -> None:
    """Then only the first time counts; without any there is nothing to fit."""
    few = fit([0, 0.1, 0.2], [5, 5.2, 5.4])
    assert (few.start, few.pace) == (5, 1.0) and few.residual == pytest.approx(0.2)
    wild = fit([n / 10 for n in range(100)], [n / 5 for n in range(100)])
    assert (wild.start, wild.pace) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no frame"):
        fit([], [1.0])


def test_what_is_said_of_two_clocks() -> None:
    """Later is positive; a clock that runs slow by one in a thousand drifts by 1000 ppm."""
    told = alignment(Line(start=2.5, pace=1.001, residual=0.002), Line(start=2.0))
    assert (told.offset_ms, told.drift_ppm, told.residual_ms) == (500.0, 1000.0, 2.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("ezrec-times 1 b\n1.5\n2.5\n", (1.5, 2.5)),
        ("ezrec-times 1 b\n1.5\n2.", (1.5,)),
        ("ezrec-times 1 b\n", None),
        ("ezrec-times 1 \n1.5\n", None),
        ("ezrec-times 2 b\n1.5\n", None),
        ("ezrec-times 1 b\n2\n1\n", None),
        ("ezrec-times 1 b\nnan\n", None),
        ("ezrec-times 1 b\nsoon\n", None),
        ("", None),
    ],
)
def test_a_sidecar_is_read_as_far_as_it_makes_sense(
    text: str, seconds: tuple[float, ...] | None
) -> None:
    """A torn last line is passed over; what goes back in time is none."""
    found = parse(text)
    assert (found and found.seconds) == seconds


@given(st.text())
def test_any_text_is_a_sidecar_or_none(text: str) -> None:
    """Never an error; what is taken is in order."""
    found = parse(head("b") + text)
    assert found is None or list(found.seconds) == sorted(found.seconds) != []


def test_a_sidecar_stands_beside_its_footage(tmp_path: Path) -> None:
    """A link or a directory in its place is none."""
    assert times_name("camera_0.part-2.mp4") == "camera_0.part-2.times"
    (tmp_path / "a.times").write_text(head("b") + "1.0\n")
    (tmp_path / "link.times").symlink_to("a.times")
    (tmp_path / "directory.times").mkdir()
    with files.directory(tmp_path) as fd:
        assert read_times(fd, "a.mp4") == Times(clock="b", seconds=(1.0,))
        assert read_times(fd, "link.mp4") is read_times(fd, "directory.mp4") is None


def test_cameras_on_one_clock_lie_where_they_began() -> None:
    """1.24 s later at 10 frames a second: behind 12 frames, and 40 ms into the next."""
    aligned = align([[(facts(), times(100, 1, 100))], [(facts(), times(101.24, 1.002, 100))]])
    (first,), (second,) = place(aligned.cameras, RATE)
    assert (first.first, first.frames, first.shift, first.pace) == (0, 100, 0.0, 1.0)
    assert (second.first, second.frames) == (12, 100)
    assert second.shift == pytest.approx(0.04, abs=1e-4) and second.pace == pytest.approx(1.002)
    assert [each.offset_ms for each in aligned.alignments] == [0.0, 1240.0]
    assert aligned.alignments[1].drift_ppm == pytest.approx(2000, abs=0.1)
    assert aligned.notes == ()


def test_a_long_drift_makes_more_frames() -> None:
    """A clock that runs slow by 0.2 % has missed two frames of a thousand."""
    aligned = align([[(facts(100), times(0, 1.002, 1000))]])
    assert place(aligned.cameras, RATE)[0][0].frames == 1002


def test_parts_of_a_camera_keep_their_gap() -> None:
    """Where their clocks are one; else the second follows the first at once."""
    parts = [(facts(1), times(50, 1, 10)), (facts(1), times(53, 1, 10))]
    (placed,) = place(align([parts]).cameras, RATE)
    assert [(each.first, each.frames) for each in placed] == [(0, 10), (30, 10)]
    rebooted = [parts[0], (facts(1), times(3, 1, 10, clock="another boot"))]
    (placed,) = place(align([rebooted]).cameras, RATE)
    assert [(each.first, each.frames) for each in placed] == [(0, 10), (10, 10)]


def test_containers_tell_where_nothing_else_does() -> None:
    """Time stamps of two files of one kind; of two kinds they can't be compared, nor hours apart."""

    def second(**told: object) -> int:
        made = align([[(facts(), None)], [(facts(**told), None)]])  # type: ignore[arg-type]
        return place(made.cameras, RATE)[1][0].first

    assert second(begins=0.5) == 5
    assert second(begins=0.5, container="mpegts") == 0
    assert second(begins=36000.0) == 0


def test_clocks_that_differ_are_said() -> None:
    """One camera has frame times, the other has none, or of another boot."""
    for other in (None, times(7, 1, 100, clock="another boot")):
        made = align([[(facts(), times(100, 1, 100))], [(facts(), other)]])
        assert len(made.notes) == 1 and "can't be compared" in made.notes[0]
        assert place(made.cameras, RATE)[1][0].first == 0


clips = st.builds(
    lambda seconds, start: Clip(
        facts=facts(seconds), line=None if start is None else Line(start=start)
    ),
    st.floats(0.1, 20),
    st.none() | st.floats(0, 100),
)


@given(st.lists(st.lists(clips, min_size=1, max_size=4), min_size=1, max_size=2))
def test_clips_never_overlap_and_none_is_lost(cameras: list[list[Clip]]) -> None:
    """Whatever their clocks say: in order, one behind the other, each as long as it is."""
    for given_, placed in zip(cameras, place(cameras, RATE), strict=True):
        ends = 0
        for clip, one in zip(given_, placed, strict=True):
            assert one.first >= ends and one.frames >= 1
            assert abs(one.frames - clip.facts.frames) <= 1
            assert abs(one.shift) <= 0.051
            ends = one.first + one.frames


@pytest.mark.parametrize(
    ("degrees", "quarters", "rest", "size"),
    [
        (0, 0, 0, (320, 240)),
        (90, 1, 0, (240, 320)),
        (-90, 3, 0, (240, 320)),
        (180, 2, 0, (320, 240)),
        (360, 0, 0, (320, 240)),
        (92, 1, 2, (240, 320)),
        (-1.5, 0, -1.5, (320, 240)),
    ],
)
def test_an_angle_is_quarter_turns_and_a_rest(
    degrees: float, quarters: int, rest: float, size: tuple[int, int]
) -> None:
    """Quarter turns keep every pixel; the rest cuts corners off."""
    turned = turn(320, 240, degrees)
    assert (turned.quarters, turned.size) == (quarters, size)
    assert turned.degrees == pytest.approx(rest)
    assert (turned.kept == turned.size) is (rest == 0)


@given(st.integers(16, 4000), st.integers(16, 4000), st.floats(-360, 360))
def test_what_is_kept_lies_inside(width: int, height: int, degrees: float) -> None:
    """Every corner of what is kept lies in the picture that was turned."""
    import math

    turned = turn(width, height, degrees)
    angle = math.radians(turned.degrees)
    half = (turned.kept[0] / 2, turned.kept[1] / 2)
    for x, y in ((half[0], half[1]), (half[0], -half[1])):
        across = abs(x * math.cos(angle) + y * math.sin(angle))
        along = abs(y * math.cos(angle) - x * math.sin(angle))
        assert across <= turned.size[0] / 2 + 1 and along <= turned.size[1] / 2 + 1
