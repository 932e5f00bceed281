"""Which recording a person means: by its id, a bare name that is unique, or a path from where they stand."""

from __future__ import annotations

import os
from pathlib import Path

from ezrec.statemachine.errors import NameRefused
from ezrec.statemachine.lookup import find
from ezrec.statemachine.root import Root
from ezrec.statemachine.scan import Refusal, scan
from ezrec.statemachine.snapshot import Snapshot, refused, snapshot
from ezrec.statemachine.view import Scene


def named(root: Root, text: str) -> str:
    """Its id. What is no id in the root may be a path; links above the root do not matter.

    Raises NoSuchRecording, NameRefused.
    """
    told = text.rstrip("/") or text
    below = _below(root, told)
    is_path = told.startswith(("/", ".", "~")) or not os.path.isdir(root.path / told)
    return find(root, str(root.path / below) if is_path and below else told)


def _below(root: Root, text: str) -> str:
    """Where the path `text` leads to below the root; empty where it leads elsewhere or nowhere."""
    if "\0" in text:
        return ""
    full = Path(os.path.abspath(os.path.expanduser(text)))
    real = Path(os.path.realpath(full.parent)) / full.name  # the directory itself is never a link
    home = Path(os.path.realpath(root.path))
    if not real.is_relative_to(home) or real == home or not os.path.lexists(real):
        return ""
    return str(real.relative_to(home))


def seen(scene: Scene, text: str) -> Snapshot:
    """What there is to say of it; a directory whose name is refused too. Raises as `named` does."""
    try:
        return snapshot(scene, named(scene.root, text), whole=True)
    except NameRefused:
        found = refusal(scene.root, text)
        if found is None:
            raise
        return refused(scene, found)


def refusal(root: Root, text: str) -> Refusal | None:
    """What the scan says of the directory that is meant; None where it takes it, or does not meet it."""
    below = _below(root, text) or text.rstrip("/")
    met = (each for each in scan(root) if isinstance(each, Refusal))
    return next((each for each in met if Path(each.path) == root.path / below), None)
