"""The parsers of single values: tables of what is understood and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.config import directory, places, values

BASE = Path("/srv/station")
PARSERS: list[Callable[[str], Any]] = [
    values.duration,
    values.some_time,
    values.whole(0, 10),
    values.size,
    values.height,
    values.bitrate,
    values.boolean,
    values.choice(("a", "b")),
    lambda text: places.path(text, BASE),
    lambda text: places.destination(text, BASE),
]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 s", 5),
        ("5s", 5),
        ("5", 5),
        ("1.5", 1.5),
        ("10 min", 600),
        ("4 h", 14400),
        ("7 d", 604800),
        ("250 ms", 0.25),
        (" 2 sec ", 2),
        ("0", 0),
    ],
)
def test_durations_have_units_and_a_bare_number_is_seconds(text: str, seconds: float) -> None:
    """Each unit means what it says."""
    assert values.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1", "5 m", "1e9", "4 years", "s", "1 h 5", "٣ s"])
def test_what_is_no_duration_is_refused_with_the_text(text: str) -> None:
    """The sentence repeats what was written and shows how to write it."""
    with pytest.raises(ValueError, match="is no duration: write it like 5 s"):
        values.duration(text)


def test_durations_have_an_end_and_some_must_not_be_zero() -> None:
    """Neither an overflow nor an endless loop can be configured."""
    with pytest.raises(ValueError, match="longer than 366 days"):
        values.duration("999999999999 d")
    with pytest.raises(ValueError, match="must be more than 0"):
        values.some_time("0 s")


@pytest.mark.parametrize(
    ("text", "size"), [("1280x720", (1280, 720)), ("640 X 360", (640, 360)), ("16×16", (16, 16))]
)
def test_sizes_are_width_by_height(text: str, size: tuple[int, int]) -> None:
    """Small x, capital X and the multiplication sign part the two."""
    assert values.size(text) == size


@pytest.mark.parametrize("text", ["", "1280", "1281x720", "0x0", "1280x9000", "ax b", "1x2x3"])
def test_sizes_that_no_encoder_takes_are_refused(text: str) -> None:
    """Odd, empty and enormous pictures are named as such."""
    with pytest.raises(ValueError, match=r"is no size|will not do"):
        values.size(text)


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("6 Mb/s", 6_000_000),
        ("800kb/s", 800_000),
        ("5.5M", 5_500_000),
        ("2 Mbit/s", 2_000_000),
        ("64000", 64_000),
        ("1 Gb/s", 1_000_000_000),
    ],
)
def test_bit_rates_are_bits_a_second(text: str, bits: int) -> None:
    """Decimal prefixes; a bare number is bits a second."""
    assert values.bitrate(text) == bits


@pytest.mark.parametrize("text", ["", "6 MB/s", "fast", "1", "2 Gb/s", "-6 Mb/s", "6 mb/s"])
def test_bytes_and_absurd_bit_rates_are_refused(text: str) -> None:
    """`MB/s` would be bytes: nobody guesses."""
    with pytest.raises(ValueError, match=r"is no bit rate|is not between"):
        values.bitrate(text)


@pytest.mark.parametrize(("text", "height"), [("native", None), ("1080", 1080)])
def test_height_is_native_or_pixels(text: str, height: int | None) -> None:
    """None stands for the cameras' own height."""
    assert values.height(text) == height


@pytest.mark.parametrize("text", ["", "tall", "719", "99999", "1080p"])
def test_other_heights_are_refused(text: str) -> None:
    """With a sentence that shows what will do."""
    with pytest.raises(ValueError, match=r"is no height|will not do"):
        values.height(text)


@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("Yes", True), ("1", True), ("off", False), ("0", False)]
)
def test_booleans_in_any_of_their_spellings(text: str, truth: bool) -> None:
    """As the original's `.env` files have them."""
    assert values.boolean(text) is truth


def test_a_near_miss_is_answered_with_the_word_that_was_meant() -> None:
    """One of few words: all are listed, the nearest is asked for."""
    with pytest.raises(ValueError, match=r"not one of poll, auto \(did you mean poll\?\)"):
        values.choice(("poll", "auto"))("pol")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("file:///srv/archive", "file:///srv/archive"),
        ("/srv/archive", "file:///srv/archive"),
        ("archive", "file:///srv/station/archive"),
        ("/mnt/my nas", "file:///mnt/my%20nas"),
        ("file:///mnt/my nas", "file:///mnt/my%20nas"),
        ("file:///mnt/my%20nas", "file:///mnt/my%20nas"),
        ("FILE:///srv", "file:///srv"),
    ],
)
def test_destinations_are_file_urls_and_paths_become_one(text: str, url: str) -> None:
    """Relative paths count from the file's directory; the URL is percent-encoded once."""
    assert places.destination(text, BASE) == url


def test_a_destination_gives_its_directory_back() -> None:
    """What was encoded is decoded again."""
    assert directory(places.destination("/mnt/my nas/100%", BASE)) == Path("/mnt/my nas/100%")


@pytest.mark.parametrize(
    "text", ["file://host/x", "file:x", "file:/x", "file:///a?b", "~/x", "a\0"]
)
def test_destinations_that_name_no_directory_are_refused(text: str) -> None:
    """Hosts, queries, home directories and control characters."""
    with pytest.raises(ValueError, match=r"is no file URL|is no path|means nothing"):
        places.destination(text, BASE)


def test_other_schemes_come_later_and_their_password_is_not_repeated() -> None:
    """Only the scheme of a URL is ever shown."""
    with pytest.raises(ValueError, match="come in a later version") as caught:
        places.destination("s3://key:hunter2@bucket", BASE)
    assert '"s3"' in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text(), st.sampled_from(PARSERS))
def test_any_text_is_understood_or_refused_with_a_printable_sentence(
    text: str, parse: Callable[[str], Any]
) -> None:
    """ValueError is the only way out, and its sentence can't drive a terminal."""
    try:
        parse(text)
    except ValueError as error:
        assert str(error).isprintable()


@given(st.integers(min_value=0, max_value=366 * 86400))
def test_durations_are_shown_as_they_are_read(seconds: int) -> None:
    """What the sample file shows is understood again."""
    value = timedelta(seconds=seconds)
    assert values.duration(values.show_duration(value)) == value


@given(st.integers(min_value=10_000, max_value=1_000_000_000))
def test_bit_rates_are_shown_as_they_are_read(bits: int) -> None:
    """What the sample file shows is understood again."""
    assert values.bitrate(values.show_bitrate(bits)) == bits
