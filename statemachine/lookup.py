"""Which recording a person means, by an id, a bare name or a path."""

from __future__ import annotations

import os
from pathlib import Path

from ezrec.statemachine import names
from ezrec.statemachine.errors import NameRefused, NoSuchRecording
from ezrec.statemachine.root import Root
from ezrec.statemachine.scan import Found, scan


def find(root: Root, text: str) -> str:
    """The id that a person means: an id, a bare name that is unique, or a path.

    Raises NoSuchRecording, NameRefused.
    """
    if "\0" in text:
        raise NameRefused(f"{text!r} can't be a recording's id")
    wanted = _relative(root, text)
    if "/" in wanted or _is_directory(root, wanted):
        return "/".join(names.parts_of(wanted))
    hits = [f.id for f in scan(root) if isinstance(f, Found) and f.id.endswith("/" + wanted)]
    if len(hits) > 1:
        raise NoSuchRecording(f"{text!r} is {' and '.join(sorted(hits))}", "say which")
    if not hits:
        names.parts_of(wanted)
        raise NoSuchRecording(f"there is no recording {text!r} in {root.path}", "see: ezrec status")
    return hits[0]


def _relative(root: Root, text: str) -> str:
    path = Path(text)
    if path.is_absolute() or text.startswith((".", "~")):
        given = Path(os.path.abspath(os.path.expanduser(text)))
        full = given.parent.resolve() / given.name  # the recording itself may not be a link
        home = root.path.resolve()
        if full.is_relative_to(home) and full != home:
            return str(full.relative_to(home))
        raise NoSuchRecording(f"{text!r} does not lie in {root.path}")
    return text.rstrip("/")


def _is_directory(root: Root, name: str) -> bool:
    return names.is_name(name) and (root.path / name).is_dir()
