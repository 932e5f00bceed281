"""The pure parts of the media side: names, facts, plans, graphs, command lines, bars."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.capture.synthetic import command
from ezrec.config.model import CaptureSettings, MergeSettings
from ezrec.errors import DataError
from ezrec.media import argv, barcode
from ezrec.media.argv import Source
from ezrec.media.facts import Facts, frames_at, usual_rate
from ezrec.media.footage import footage, next_take
from ezrec.media.graph import filter_graph
from ezrec.media.places import Clip
from ezrec.media.plan import even, plan
from ezrec.media.sniff import demuxer_of
from ezrec.media.verify import Expected, compare


def facts(width: int = 320, height: int = 240, rate: int = 10, seconds: float = 1.0) -> Facts:
    return Facts(
        codec="h264",
        width=width,
        height=height,
        rate=Fraction(rate),
        seconds=seconds,
        frames=round(rate * seconds),
    )


def clip(width: int = 320, height: int = 240, rate: int = 10, seconds: float = 1.0) -> Clip:
    return Clip(facts=facts(width, height, rate, seconds))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], {}),
        (["camera_0.mp4", "camera_1.mkv"], {"0": ("camera_0.mp4",), "1": ("camera_1.mkv",)}),
        (
            ["camera_0.part-10.mp4", "camera_0.part-2.mp4", "camera_0.mp4"],
            {"0": ("camera_0.mp4", "camera_0.part-2.mp4", "camera_0.part-10.mp4")},
        ),
        (["camera_10.ts", "camera_2.ts"], {"2": ("camera_2.ts",), "10": ("camera_10.ts",)}),
        (["camera_0.mp4", "holiday.mp4", "merged.mp4"], {"0": ("camera_0.mp4",)}),
        (["right.MOV", "left.mp4"], {"left": ("left.mp4",), "right": ("right.MOV",)}),
        (["merged.mp4", ".hidden.mp4", "a.mp4.partial", "notes.txt", ".done"], {}),
        (["camera_.mp4"], {"camera_": ("camera_.mp4",)}),
    ],
)
def test_footage_is_grouped_by_camera(
    names: list[str], expected: dict[str, tuple[str, ...]]
) -> None:
    """`camera_*` by camera and part; without any, every video that is no output, by name."""
    assert footage(names) == expected
    assert list(footage(names)) == list(expected)


@given(st.lists(st.sampled_from(["camera_0.mp4", "camera_1.part-3.ts", "a.mp4", "merged.mp4"])))
def test_footage_does_not_depend_on_the_order_of_the_listing(names: list[str]) -> None:
    """A directory lists its names in any order."""
    assert footage(set(names)) == footage(sorted(set(names), reverse=True))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "camera_0.mp4"),
        (["camera_1.mp4"], "camera_0.mp4"),
        (["camera_0.mp4"], "camera_0.part-2.mp4"),
        (["camera_0.mkv"], "camera_0.part-2.mp4"),
        (["camera_0.part-7.mp4"], "camera_0.part-8.mp4"),
    ],
)
def test_a_new_take_comes_after_the_last(names: list[str], expected: str) -> None:
    """Existing footage is never opened for writing, in whatever container it is."""
    assert next_take(names, "0") == expected


@given(st.sets(st.integers(1, 30), max_size=6))
def test_a_new_take_is_new_and_last(parts: set[int]) -> None:
    """Whatever takes are there, the next one has a free name and sorts behind them."""
    names = [f"camera_0.part-{part}.mp4" for part in parts]
    taken = next_take(names, "0")
    assert taken not in names
    assert footage([*names, taken])["0"][-1] == taken


@pytest.mark.parametrize("camera", ["", "../0", "a/b", "0.part-2", "-y", "ä", "x" * 33])
def test_a_camera_with_a_bad_name_is_refused(camera: str) -> None:
    """A camera's id becomes part of a file's name."""
    with pytest.raises(DataError):
        next_take([], camera)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mov"),
        (b"\x1a\x45\xdf\xa3rest", "matroska"),
        ((b"G" + b"\0" * 187) * 3, "mpegts"),
        ((b"\0\0\0\0G" + b"\0" * 187) * 3, "mpegts"),
        (b"GGGG", None),
        (b"#EXTM3U\nfile:///etc/passwd", None),
        (b"ffconcat version 1.0\nfile /etc/passwd", None),
        (b"", None),
    ],
)
def test_the_first_bytes_name_the_demuxer(head: bytes, expected: str | None) -> None:
    """MP4, Matroska and MPEG-TS are taken; playlists and the rest are not."""
    assert demuxer_of(head) == expected


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (30, Fraction(30)),
        (29.9, Fraction(30)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
        (24.6, Fraction(25)),
        (12.5, Fraction(25, 2)),
        (None, Fraction(30)),
        (0, Fraction(30)),
        (90_000, Fraction(30)),
    ],
)
def test_a_measured_rate_becomes_the_one_that_was_set(
    measured: float | None, expected: Fraction
) -> None:
    """Frames lost here and there don't change the rate; nonsense becomes 30."""
    assert usual_rate(measured) == expected


@given(st.fractions(0, 10_000))
def test_even_is_even_and_near(number: Fraction) -> None:
    """yuv420p halves both sides."""
    assert even(number) % 2 == 0
    assert even(number) == 2 or abs(even(number) - number) <= 1


sides = st.integers(2, 2000)


@given(
    sides, sides, sides, sides, st.integers(0, 4000), st.sampled_from(["side_by_side", "stacked"])
)
def test_any_two_cameras_fit(w0: int, h0: int, w1: int, h1: int, feather: int, layout: str) -> None:
    """Whatever the sizes, the output is even, and each view shows something beside the seam."""
    settings = MergeSettings(
        layout="stacked" if layout == "stacked" else "side_by_side", feather=feather
    )
    made = plan([[clip(w0, h0)], [clip(w1, h1)]], settings)
    first, second = made.views
    assert made.size[0] % 2 == 0 and made.size[1] % 2 == 0
    along = [view.height if made.stacked else view.width for view in made.views]
    across = {view.width if made.stacked else view.height for view in made.views}
    assert len(across) == 1
    assert 0 <= made.overlap < min(along) or made.overlap == 0
    assert sum(along) - made.overlap == made.size[1 if made.stacked else 0]
    assert [each.input for view in (first, second) for each in view.clips] == [0, 1]


def test_the_longer_camera_and_the_higher_rate_count() -> None:
    """4 s at 10 and 1 s at 25 frames a second: 4 s at 25, no frame cut."""
    made = plan([[clip(seconds=4)], [clip(rate=25)]], MergeSettings())
    assert made.rate == 25 and made.frames == 100
    assert [view.own_frames for view in made.views] == [100, 25]


def test_frames_are_counted_and_not_claimed() -> None:
    """At its own rate a file fills as many frames as it has; at another, what its length fills."""
    assert frames_at(facts(seconds=1.5), Fraction(10)) == 15
    assert frames_at(facts(seconds=1.5), Fraction(30)) == 45


def test_the_graph_of_two_views() -> None:
    """The seam: edges cut out, merged through a gradient that is drawn once, stacked again."""
    made = plan([[clip()], [clip(seconds=0.5)]], MergeSettings(feather=100))
    assert made.size == (540, 240)
    scaled = "scale=320:240:out_range=tv,setsar=1,format=yuv420p"
    timed = "setpts=PTS-STARTPTS,fps=10,tpad=stop=2:stop_mode=clone,trim=end_frame="
    pad = "tpad=stop=-1:stop_mode=add:color=black,setpts=N/(10*TB),trim=end_frame=10"
    level = "255*X/W"
    assert filter_graph(made).split(";") == [
        f"[0:v:0]{timed}10,{scaled}[i0]",
        f"[i0]{pad}[v0]",
        f"[1:v:0]{timed}5,{scaled}[i1]",
        f"[i1]{pad}[v1]",
        "[v0]split[a0][b0]",
        "[a0]crop=220:240:0:0[own0]",
        "[b0]crop=100:240:220:0[edge0]",
        "[v1]split[a1][b1]",
        "[a1]crop=220:240:100:0[own1]",
        "[b1]crop=100:240:0:0[edge1]",
        "color=c=black:s=100x240:r=10,trim=end_frame=1,format=yuv420p,"
        f"geq=lum='{level}':cb='{level}':cr='{level}',"
        "loop=loop=-1:size=1,setpts=N/(10*TB),trim=end_frame=10[mask]",
        "[edge0][edge1][mask]maskedmerge[seam]",
        "[own0][seam][own1]hstack=inputs=3[out]",
    ]


def test_the_graph_of_stacked_views() -> None:
    """One over the other overlaps by min(50, feather/2), along the height."""
    made = plan([[clip()], [clip()]], MergeSettings(layout="stacked", feather=100))
    assert made.size == (320, 430)
    graph = filter_graph(made)
    assert "[b0]crop=320:50:0:190[edge0]" in graph and "[a1]crop=320:190:0:50[own1]" in graph
    assert "255*Y/H" in graph and graph.endswith("vstack=inputs=3[out]")


def test_the_graph_of_joined_parts_and_of_no_seam() -> None:
    """Parts are joined before they are padded; a feather of 0 is a plain stack."""
    joined = filter_graph(plan([[clip(), clip()]], MergeSettings()))
    assert "[i0][i1]concat=n=2:v=1:a=0,tpad" in joined and joined.endswith("[v0]null[out]")
    plain = filter_graph(plan([[clip()], [clip()]], MergeSettings(feather=0)))
    assert plain.endswith("[v0][v1]hstack=inputs=2[out]") and "maskedmerge" not in plain


def test_the_command_lines_of_a_merge() -> None:
    """Each input has its demuxer and its protocols said before it; the output its container."""
    sources = [Source(path="/a", demuxer="mov"), Source(path="/b", demuxer="mpegts")]
    common = "-nostdin -hide_banner -nostats -loglevel warning -progress pipe:1 -stats_period 0.5"
    first = "-protocol_whitelist file -f mov -i file:/a"
    end = "-map_metadata -1 -movflags +faststart -f mp4 -y file:/out"
    assert " ".join(argv.merge(sources, "GRAPH", ["-c:v", "x"], "/out")) == (
        f"{common} {first} -protocol_whitelist file -f mpegts -i file:/b "
        f"-filter_complex GRAPH -map [out] -c:v x {end}"
    )
    assert " ".join(argv.remux(sources[0], "/out")) == (
        f"{common} {first} -map 0:v:0 -c:v copy -an -avoid_negative_ts make_zero {end}"
    )


def test_the_command_line_of_a_synthetic_camera() -> None:
    """At true speed, in fragments of a second that are flushed when they are done."""
    settings = CaptureSettings(size=(64, 48), rate=25, bitrate=1000)
    assert " ".join(command(settings, 1, 50, "/out")) == (
        "-nostdin -hide_banner -nostats -loglevel warning -progress pipe:1 -stats_period 0.5 "
        "-re -f lavfi -i testsrc2=size=64x48:rate=25,format=yuv420p,hue=h=100 -frames:v 50 -an "
        "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p "
        "-b:v 1000 -maxrate 1000 -bufsize 1000 -g 25 -keyint_min 25 -sc_threshold 0 "
        "-movflags +frag_keyframe+empty_moov+delay_moov+default_base_moof -flush_packets 1 "
        "-f mp4 -y file:/out"
    )


def drawn(width: int, height: int, camera: int, frame: int, stride: int) -> bytes:
    """A Y plane with the barcode in it, drawn without ffmpeg."""
    bits = [*barcode.START, *(camera >> b & 1 for b in (3, 2, 1, 0))]
    bits += [*(frame >> b & 1 for b in reversed(range(20))), *barcode.END]
    plane = bytearray(b"\x50" * (stride * height))
    for block, bit in zip(barcode.blocks(width, height), bits, strict=True):
        for row in range(block.y, block.y + block.size):
            start = row * stride + block.x
            plane[start : start + block.size] = bytes([235 if bit else 16]) * block.size
    return bytes(plane)


@given(st.integers(0, 15), st.integers(0, (1 << 20) - 1))
def test_a_barcode_that_was_drawn_is_read(camera: int, frame: int) -> None:
    """Camera and frame come back; a plane without it gives nothing."""
    plane = drawn(320, 240, camera, frame, 352)
    assert barcode.read(plane, 352, 320, 240) == barcode.Reading(camera=camera, frame=frame)
    assert barcode.read(b"\x50" * 352 * 240, 352, 320, 240) is None


@pytest.mark.parametrize("size", [(256, 128), (320, 240), (1280, 720), (1920, 1080), (3840, 2160)])
def test_the_barcode_stays_inside_and_off_the_seam(size: tuple[int, int]) -> None:
    """Blocks of 16 pixels and more, inside the picture."""
    width, height = size
    places = barcode.blocks(width, height)
    assert min(block.size for block in places) >= 16
    assert all(b.x >= 0 and b.x + b.size <= width and b.y + b.size <= height for b in places)
    assert barcode.filters(255, 128, 0) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (facts(), None),
        (facts(width=322), "is 322x240 pixels, not 320x240"),
        (facts(seconds=0.9), "has 9 frames, the inputs have 10"),
    ],
)
def test_an_output_is_compared_with_what_went_in(found: Facts, said: str | None) -> None:
    """Size, frames and seconds: the first difference is a sentence."""
    expected = Expected(width=320, height=240, frames=10, seconds=1.0, rate=Fraction(10))
    trouble = compare(found, "merged.mp4", expected)
    assert trouble == (said and f"merged.mp4 {said}")
