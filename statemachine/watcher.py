"""Events from the kernel as hints: "this recording may have changed". Never the truth.

A callback only tells a hint and returns: an exception in it would kill watchdog's thread. A canary (a
new subdirectory and a file in it) goes round through inotify, so that a dead observer, an overflow, a
full watch table and an unmounted root are noticed.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from ezrec.statemachine import calls, files, names
from ezrec.statemachine.journal import DIRECTORY as LOGS
from ezrec.statemachine.root import OWN
from ezrec.statemachine.runs import STATUS

log = logging.getLogger("ezrec")

#: told a recording's id, or None: anything may have changed
Hint = Callable[[str | None], None]

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
CANARY = "canary"


def _is_of_use(record: logging.LogRecord) -> bool:
    """watchdog logs an error at each stop that meets an event, and a warning at each `mkdir -p`."""
    return "called when the thread is inactive" not in record.getMessage()


logging.getLogger("watchdog.observers.inotify").addFilter(_is_of_use)
warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning, "watchdog")


class Watcher(Protocol):
    """Tells hints until it is stopped. `check` is called now and then; False means blind: scan."""

    def start(self, hint: Hint) -> None: ...

    def stop(self) -> None: ...

    def check(self) -> bool: ...


def hint_of(parts: tuple[str, ...]) -> str | None:
    """The id that a changed path (its parts below the root) speaks of; "" where it is of no interest;
    None where it may be any. Pure."""
    if not parts or parts[0].startswith("."):
        return ""
    if not names.is_date(parts[0]):
        return _within(parts[0], parts[1:])
    if len(parts) == 1:
        return None
    return _within(f"{parts[0]}/{parts[1]}", parts[2:])


def _within(recording: str, rest: tuple[str, ...]) -> str:
    if rest[:1] == (LOGS,) and not (len(rest) == 2 and _is_status(rest[1])):
        return ""
    return recording if names.is_name(recording.rpartition("/")[2]) else ""


def _is_status(name: str) -> bool:
    return name.startswith(STATUS) and not name.endswith(".partial")


class _Handler(FileSystemEventHandler):
    def __init__(self, root: Path, hint: Hint, canary: threading.Event) -> None:
        self._root = os.fsencode(root)
        self._hint = hint
        self._canary = canary

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in {os.fsencode(event.src_path), os.fsencode(event.dest_path)} - {b""}:
            self._tell(path)

    def _tell(self, path: bytes) -> None:
        if not path.startswith(self._root + b"/"):
            return
        parts = tuple(os.fsdecode(path[len(self._root) + 1 :]).split("/"))
        if parts[:2] == (OWN, CANARY) and len(parts) == 4:
            self._canary.set()
        elif (hint := hint_of(parts)) != "":
            self._hint(hint)


class ObserverWatcher:
    """The real one: watchdog's inotify observer over the root, with the canary."""

    def __init__(self, root: Path, patience: float = 3.0) -> None:
        self._root = root
        self._patience = patience
        self._observer: BaseObserver | None = None
        self._canary = threading.Event()
        self._hint: Hint = lambda _id: None

    def start(self, hint: Hint) -> None:
        """Set the watches (seconds for tens of thousands of directories). Raises OSError."""
        self._hint = hint
        self._remove_old_canaries()
        observer = Observer()
        handler = _Handler(self._root, hint, self._canary)
        observer.schedule(handler, str(self._root), recursive=True, event_filter=EVENTS)
        observer.start()
        self._observer = observer

    def stop(self) -> None:
        """End the observer's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def check(self) -> bool:
        """Send the canary round; where it does not come back, replace the observer and answer False."""
        if self._observer is not None and self._canary_returns():
            return True
        self._restart()
        return False

    def _restart(self) -> None:
        try:
            self.stop()
            self.start(self._hint)
        except (OSError, RuntimeError) as error:
            log.warning("the watcher can't be started: %s", error)

    def _canary_returns(self) -> bool:
        self._canary.clear()
        try:
            with files.directory(self._root) as root:
                files.make_directory(root, OWN)
                with files.directory(OWN, root) as own:
                    return self._goes_round(own)
        except OSError as error:
            log.warning("no canary can be sent: %s", error.strerror)
            return False

    def _goes_round(self, own: int) -> bool:
        """A new subdirectory, and a file in it: watched only if the watches follow what is made."""
        files.make_directory(own, CANARY, durable=False)
        with files.directory(CANARY, own) as canaries:
            cage = secrets.token_hex(8)
            calls.make_directory(canaries, cage)
            try:
                with files.directory(cage, canaries) as fd:
                    files.close(files.open_new(fd, "bird"))
                return self._canary.wait(self._patience)
            finally:
                files.remove_tree(canaries, cage)

    def _remove_old_canaries(self) -> None:
        try:
            with files.directory(self._root) as root, files.directory(OWN, root) as own:
                files.remove_tree(own, CANARY)
        except OSError:
            return  # they are in nobody's way


class NoWatcher:
    """For file systems without events: always blind, so the engine scans."""

    def start(self, hint: Hint) -> None:
        """Nothing will be hinted."""

    def stop(self) -> None:
        """Nothing to end."""

    def check(self) -> bool:
        """Blind."""
        return False
