"""Making a recording's directory: complete before anybody sees it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from typing import Any

from ezrec.describe import DOCUMENT
from ezrec.errors import DataError
from ezrec.statemachine import files, names
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.lifecycle import LOCK
from ezrec.statemachine.place import Place
from ezrec.statemachine.root import OWN
from ezrec.statemachine.view import Scene


def create(scene: Scene, recording: str, fields: Mapping[str, Any], *, start_now: bool) -> None:
    """Make the recording `recording` with `fields` in its `recording.json`.

    It is built aside and renamed into place, so it appears whole: idle, or asking to be recorded at
    once. Raises NameRefused, DataError where it is there already, OSError.
    """
    parts = names.parts_of(recording)
    if parts[0] in scene.root.reserved:
        raise DataError(f"{parts[0]!r} is the site's own name below a root", "choose another id")
    root = scene.root
    files.make_directory(root.fd, OWN)
    building = f"new-{secrets.token_hex(8)}"
    with files.directory(OWN, root.fd) as own:
        files.make_directory(own, building)
        try:
            _fill(scene, own, building, {"id": recording, **fields}, start_now)
            _put(root.fd, own, building, parts)
        except FileExistsError:
            where = names.quote(str(root.path / recording))
            raise DataError(
                f"there is a recording {recording!r} already", f"ls -A {where}"
            ) from None
        finally:
            shutil.rmtree(root.path / OWN / building, ignore_errors=True)


def _fill(scene: Scene, own: int, name: str, document: Mapping[str, Any], start_now: bool) -> None:
    place = Place(files.open_directory(name, own), scene.lifecycle)
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        files.create(place.fd, DOCUMENT, text.encode())
        lock = scene.lifecycle.lock_state
        state = lock.name if start_now and lock else "idle"
        if state != "idle":
            place.create(LOCK, {"how": "ezrec new --start-now"})
        Journal(place.fd, scene.root.id, scene.clock).append(
            "state",
            durable=True,
            state=state,
            marker=LOCK if state != "idle" else "",
            how="new",
            content=place.look().content,
        )
    finally:
        place.close()


def _put(root: int, own: int, building: str, parts: tuple[str, ...]) -> None:
    for date in parts[:-1]:
        files.make_directory(root, date)
    home = files.open_directory(parts[0], root) if len(parts) > 1 else os.dup(root)
    try:
        files.rename_new(own, building, parts[-1], home)
        files.sync(home)
    finally:
        os.close(home)
