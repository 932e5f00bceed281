"""`recording.json`: what is known of a recording, for people and for its stages.

It is written by whoever holds the lease, always whole: a reader sees the old or the new.
"""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Mapping

from ezrec.errors import DataError
from ezrec.statemachine import files, parsing

NAME = "recording.json"
#: A document of more than this many bytes was not made by ezrec.
LIMIT = 1 << 20


def read(dir_fd: int, name: str = NAME) -> dict[str, object]:
    """The document in the open directory `dir_fd`; empty where there is none.

    Raises DataError where what stands there is no JSON object in a plain file of at most 1 MiB.
    """
    try:
        text = files.read(dir_fd, name, LIMIT + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR):
            raise DataError(
                f"{name} is not a plain file", f"move it away: mv {name} {name}.bad"
            ) from error
        raise
    return parse(text, name)


def parse(text: bytes, name: str = NAME) -> dict[str, object]:
    """`text` as a JSON object. Raises DataError with one sentence."""
    hint = f"mend it, or move it away: mv {name} {name}.bad"
    if len(text) > LIMIT:
        raise DataError(f"{name} is larger than 1 MiB", hint)
    try:
        value = parsing.parse(text)
    except ValueError as error:
        raise DataError(f"{name} is not JSON: {str(error)[:200]}", hint) from error
    if not isinstance(value, dict):
        raise DataError(f"{name} is no JSON object", hint)
    return value


def write(dir_fd: int, document: Mapping[str, object], name: str = NAME) -> None:
    """Put `document` in the place of what is there, durably."""
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    files.replace(dir_fd, name, text.encode("ascii"))


def update(dir_fd: int, changes: Mapping[str, object], name: str = NAME) -> dict[str, object]:
    """Read the document, set the keys of `changes` at its top level, write it, and give it back."""
    document = {**read(dir_fd, name), **changes}
    write(dir_fd, document, name)
    return document


def seconds_asked(document: Mapping[str, object]) -> float | None:
    """How long this recording is meant to be, in seconds; None where nobody said. Raises DataError."""
    return number(document, "seconds") if document.get("seconds") is not None else None


def number(document: Mapping[str, object], key: str) -> float:
    """A number that is not negative; 0 where the key is missing. Raises DataError."""
    value = document.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{NAME}: {key!r} must be a number, not {str(value)[:80]!r}")
    return max(float(value), 0.0)
