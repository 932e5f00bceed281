"""Text to values. Pure; each parser raises ValueError with one clear sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from ezrec.config.problem import guess, quoted

NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
UNITS = {"ms": 0.001, "": 1, "s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=366)
SCALES = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
SIZES = range(16, 8193)


def duration(text: str) -> timedelta:
    """`5 s`, `10 min`, `4 h`, `250 ms`, `7 d`; a bare number is seconds. At most 366 days."""
    found = re.fullmatch(NUMBER + r" ?([a-z]*)", text.strip())
    if not found or found[2] not in UNITS:
        raise ValueError(f"{quoted(text)} is no duration: write it like 5 s, 10 min or 4 h")
    seconds = float(found[1]) * UNITS[found[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{quoted(text)} is longer than 366 days")
    return timedelta(seconds=seconds)


def some_time(text: str) -> timedelta:
    """A duration that is not zero."""
    if not (parsed := duration(text)):
        raise ValueError(f"{quoted(text)} is no time at all: it must be more than 0")
    return parsed


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not least <= int(text) <= most:
            raise ValueError(f"{quoted(text)} is no whole number from {least} to {most}")
        return int(text)

    return parse


def size(text: str) -> tuple[int, int]:
    """`1280x720`: width and height in pixels, both even, as H.264 in yuv420p asks."""
    found = re.fullmatch(r"([0-9]{1,5}) ?[xX×] ?([0-9]{1,5})", text.strip())
    if not found:
        raise ValueError(f"{quoted(text)} is no size: write width and height like 1280x720")
    return _side(found[1]), _side(found[2])


def height(text: str) -> int | None:
    """`native` (None: the cameras' own) or an even number of pixels."""
    if text.strip() == "native":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text.strip()):
        raise ValueError(f"{quoted(text)} is no height: write native, or pixels like 1080")
    return _side(text)


def box(text: str) -> tuple[int, int] | None:
    """`native` (None) or a size."""
    return None if text.strip() == "native" else size(text)


def rate(text: str) -> int | None:
    """`native` (None) or frames a second."""
    return None if text.strip() == "native" else whole(1, 240)(text)


def angle(text: str) -> float:
    """Degrees, clockwise: `-1.5`, `90`, `2°`."""
    found = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,4})?) ?°?", text.strip())
    if not found or abs(float(found[1])) > 360:
        raise ValueError(f"{quoted(text)} is no angle: write degrees from -360 to 360")
    return float(found[1])


def lens(text: str) -> tuple[float, float]:
    """`0.1 0.03` or `0.1, 0.03`: k1 and k2."""
    words = text.strip().replace(",", " ").split()
    if len(words) != 2 or not all(
        re.fullmatch(r"[+-]?[01](\.[0-9]{1,6})?", each) for each in words
    ):
        raise ValueError(f"{quoted(text)} will not do: write k1 and k2 like 0.1 0.03")
    k1, k2 = map(float, words)
    if max(abs(k1), abs(k2)) > 1:
        raise ValueError(f"{quoted(text)} is not between -1 and 1")
    return k1, k2


def _side(text: str) -> int:
    pixels = int(text)
    if pixels not in SIZES or pixels % 2:
        raise ValueError(f"{pixels} pixels will not do: even numbers from 16 to 8192 will")
    return pixels


def bitrate(text: str) -> int:
    """`6 Mb/s`, `800 kb/s`, `6M`; a bare number is bits a second. 10 kb/s to 1 Gb/s."""
    found = re.fullmatch(NUMBER + r" ?([kKMG]?)(?:b/s|bit/s|bps)?", text.strip())
    if not found:
        raise ValueError(f"{quoted(text)} is no bit rate: write it like 6 Mb/s or 800 kb/s")
    bits = round(float(found[1]) * SCALES[found[2]])
    if not 10_000 <= bits <= 1_000_000_000:
        raise ValueError(f"{quoted(text)} is not between 10 kb/s and 1 Gb/s")
    return bits


def boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE + FALSE:
        raise ValueError(f"{quoted(text)} is neither true nor false")
    return word in TRUE


def choice(allowed: Sequence[str]) -> Callable[[str], str]:
    """A parser of one word out of a few."""

    def parse(text: str) -> str:
        if text.strip() not in allowed:
            words = ", ".join(allowed)
            raise ValueError(f"{quoted(text)} is not one of {words}{guess(text, allowed)}")
        return text.strip()

    return parse


def shaped(pattern: str, words: str) -> Callable[[str], str]:
    """A parser of text that matches `pattern` whole; `words` say what that is."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{quoted(text)} will not do: {words}")
        return text

    return parse


def variable(text: str) -> str:
    """The name of an environment variable. What is none is not repeated: it may be the secret itself."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", text):
        raise ValueError(
            "that is no name of an environment variable (the value does not belong here)"
        )
    return text


def show_duration(value: timedelta) -> str:
    """The longest unit that comes out whole: `4 h`, `5 s`."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "min", "s"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f} {unit}"
    return f"{seconds:g} s"


def show_bitrate(value: int) -> str:
    for scale in ("G", "M", "k"):
        if value % SCALES[scale] == 0:
            return f"{value // SCALES[scale]} {scale}b/s"
    return f"{value} b/s"
