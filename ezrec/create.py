"""Making a recording's directory: complete before anybody sees it."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from ezrec.describe import DOCUMENT
from ezrec.errors import DataError
from ezrec.statemachine import calls, files, names
from ezrec.statemachine.errors import DirectoryRefused, NameRefused
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.lifecycle import IDLE, LOCK
from ezrec.statemachine.place import Place
from ezrec.statemachine.root import OWN
from ezrec.statemachine.view import Scene


def create(scene: Scene, recording: str, fields: Mapping[str, Any], *, start_now: bool) -> None:
    """Make the recording `recording` with `fields` in its `recording.json`.

    It is built aside and renamed into place, so it appears whole: idle, or asking to be recorded at
    once. Raises NameRefused, DataError where it is there already, OSError.
    """
    if names.is_date(recording):
        raise NameRefused(
            f"{recording!r} is a date, and a date holds recordings", f"say {recording}/NAME"
        )
    parts = names.parts_of(recording)
    if parts[0] in scene.root.reserved:
        raise DataError(f"{parts[0]!r} is the site's own name below a root", "choose another id")
    document = _document({"id": recording, **fields})
    root = scene.root
    files.make_directory(root.fd, OWN)
    building = f"new-{secrets.token_hex(8)}"
    with files.directory(OWN, root.fd) as own:
        calls.make_directory(own, building)
        try:
            with files.directory(building, own) as fd:
                files.try_lock(fd)  # or `ezrec repair` would take it for a dead one's
                _fill(scene, own, building, document, start_now)
                _put(root.fd, own, building, parts)
        except FileExistsError:
            where = names.quote(str(root.path / recording))
            raise DataError(
                f"there is a recording {recording!r} already", f"ls -A {where}"
            ) from None
        finally:
            files.remove_tree(own, building)


def _document(fields: Mapping[str, Any]) -> bytes:
    for key in ("booking_id", "user_id"):
        text = fields.get(key, "-")
        if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= 200:
            raise DataError(f"{key} {text!r} is no id", "1 to 200 printable characters")
    try:
        text = json.dumps(fields, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return text.encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"that can't be written as JSON: {error}") from error


def _fill(scene: Scene, own: int, name: str, document: bytes, start_now: bool) -> None:
    place = Place(files.open_directory(name, own), scene.lifecycle)
    try:
        journal = Journal(place.fd, scene.root.id, scene.clock)
        journal.make_room()
        if start_now:  # a lock without footage asks to be recorded; the engine journals that
            place.create(LOCK, {"how": "ezrec new --start-now"}, durable=False)
        files.create(place.fd, DOCUMENT, document)  # syncs the directory, and so all of these names
        content = place.look().content
        # not waited for: where a power cut takes the line, the recording is as idle without it
        journal.append("state", durable=False, state=IDLE, marker="", how="new", content=content)
    finally:
        place.close()


def _put(root: int, own: int, building: str, parts: tuple[str, ...]) -> None:
    for date in parts[:-1]:
        files.make_directory(root, date)
    home = _opened_date(root, parts[0]) if len(parts) > 1 else os.dup(root)
    try:
        files.rename_new(own, building, parts[-1], home)
        files.sync(home)
    finally:
        os.close(home)


def _opened_date(root: int, date: str) -> int:
    try:
        return files.open_directory(date, root)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise DirectoryRefused(f"{date!r} is a link or a file, no directory") from None
