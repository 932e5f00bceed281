"""The kinds of value that a setting may have: in words, how it is read, how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ezrec.config import places, values
from ezrec.config.reading import Read, camera_id, cameras, label, one, placed, several


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`words` for people, `read` for the loader, `show` for the sample and the docs."""

    words: str
    read: Read
    show: Callable[[Any], str] = str


def choice(holder: type, field: str) -> Kind:
    """The words that the model allows for a field."""
    allowed = get_args(get_type_hints(holder)[field])
    return Kind(
        words=" or ".join(f"`{word}`" for word in allowed), read=one(values.choice(allowed))
    )


def whole(least: int, most: int) -> Kind:
    return Kind(words=f"whole number, {least} to {most}", read=one(values.whole(least, most)))


def shaped(pattern: str, words: str) -> Kind:
    return Kind(words=words, read=one(values.shaped(pattern, words)))


def names(pattern: str, words: str) -> Kind:
    """A list of names; in a flag they are parted by commas."""
    parse = values.shaped(pattern, words)
    return Kind(words=f"list: {words}", read=several(lambda text, base: parse(text), ","))


def _show_text(value: str) -> str:
    return value or '""'


def _show_paths(value: tuple[Path, ...]) -> str:
    return "[" + ", ".join(map(str, value)) + "]"


WAIT = Kind(words="duration", read=one(values.duration), show=values.show_duration)
TIME = Kind(words="duration, not 0", read=one(values.some_time), show=values.show_duration)
SIZE = Kind(
    words="WIDTHxHEIGHT in pixels, even",
    read=one(values.size),
    show=lambda value: f"{value[0]}x{value[1]}",
)
HEIGHT = Kind(
    words="`native` or pixels, even",
    read=one(values.height),
    show=lambda value: "native" if value is None else str(value),
)
BOX = Kind(
    words="`native` or WIDTHxHEIGHT, even",
    read=one(values.box),
    show=lambda value: "native" if value is None else f"{value[0]}x{value[1]}",
)
RATE = Kind(
    words="`native` or a whole number, 1 to 240",
    read=one(values.rate),
    show=lambda value: "native" if value is None else str(value),
)
ANGLE = Kind(words="degrees, -360 to 360", read=one(values.angle), show=lambda value: f"{value:g}")
LENS = Kind(
    words="two numbers from -1 to 1",
    read=one(values.lens),
    show=lambda value: " ".join(f"{each:g}" for each in value),
)
BITRATE = Kind(words="bit rate", read=one(values.bitrate), show=values.show_bitrate)
PATH = Kind(words="directory", read=placed(places.path))
PATHS = Kind(words="list of directories, or one", read=several(places.path, ":"), show=_show_paths)
DESTINATION = Kind(
    words="`file:///DIRECTORY` or a directory", read=placed(places.destination), show=_show_text
)
USER = Kind(
    words="text",
    read=one(
        values.shaped(
            r"([A-Za-z0-9][A-Za-z0-9._@+-]{0,127})?",
            "at most 128 letters, digits and . _ @ + -, a letter or digit first",
        )
    ),
    show=_show_text,
)
CAMERAS = Kind(
    words="list of mappings",
    read=cameras,
    show=lambda value: "[" + ", ".join(f"{{id: {camera.id}}}" for camera in value) + "]",
)
CAMERA_ID = Kind(words="letters, digits, `_`, `-`; at most 32", read=one(camera_id))
LABEL = Kind(words="text", read=one(label), show=_show_text)
OUTPUTS = names(
    r"(?!camera_|recording\.json$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "file names in the recording, not those of footage",
)
SECRETS = Kind(
    words="list: names of environment variables",
    read=several(lambda text, base: values.variable(text), ","),
)
STATE = shaped(r"[a-z][a-z0-9_]{0,31}", "a state: small letters, digits and `_`, at most 32")
