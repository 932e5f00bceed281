"""Which names may be recordings. Pure: text in, text or a refusal out."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from itertools import chain, count

from ezrec.statemachine.errors import NameRefused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RUN = r"[A-Za-z0-9_-]{1,64}"  # compiled when it is used: most commands meet no run
_LEVELS = "recordings lie in the root, or in a directory named by a date: 2026-11-23/match-17"
_RULE = "up to 64 letters, digits, '.', '_' and '-', the first a letter or digit"


def is_name(text: str) -> bool:
    """Whether `text` may be the name of a recording's directory."""
    return NAME.fullmatch(text) is not None and not is_date(text)


def is_date(text: str) -> bool:
    """Whether `text` has the form YYYY-MM-DD, which always is a directory of recordings."""
    return len(text) == 10 and DATE.fullmatch(text) is not None


def is_run(text: str) -> bool:
    """Whether `text` may be a run's id: it becomes a part of a file's name."""
    return re.fullmatch(_RUN, text) is not None


def parts_of(recording_id: str) -> tuple[str, ...]:
    """The levels of an id: `("x",)` or `("2026-11-23", "x")`. Raises NameRefused."""
    parts = tuple(recording_id.split("/"))
    dates, name = parts[:-1], parts[-1]
    if len(parts) > 2 or not all(map(is_date, dates)) or not is_name(name):
        if is_date(name) or len(parts) > 1:
            raise NameRefused(f"{recording_id!r} can't be a recording's id", _LEVELS)
        raise NameRefused(f"{recording_id!r} can't be a recording's id", f"use {_RULE}")
    return parts


def allowed_names(name: str) -> Iterator[str]:
    """Names that a directory with a refused name could have instead, the likest first, without end."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")[:60].rstrip("-")
    first = cleaned if cleaned and is_name(cleaned) else "recording-" + (cleaned or "1")[:46]
    return chain([first], (f"{first}-{number}" for number in count(2)))


def mend_name(path: str, name: str, taken: Container[str] = ()) -> str:
    """The command that would give a directory with a refused name an allowed one that is not taken."""
    return (
        f"mv -nT -- {quote(path)} {quote(path[: len(path) - len(name)] + free_name(name, taken))}"
    )


def free_name(name: str, taken: Container[str] = ()) -> str:
    """The likest allowed name that is not taken."""
    return next(each for each in allowed_names(name) if each not in taken)


def quote(text: str) -> str:
    """`text` as one word of a shell; control characters come out as $'…' escapes."""
    if re.fullmatch(r"[A-Za-z0-9@%+=:,./_-]+", text):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "'\"'\"'") + "'"
    return "$'" + "".join(_escaped(char) for char in text) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable():
        return char
    encoded = char.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in encoded)
