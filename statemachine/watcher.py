"""Events from the kernel as hints: "this recording may have changed". Never the truth.

A callback only tells a hint and returns: an exception in it would end the thread that reads. A canary (a
new subdirectory and a file in it) goes round through inotify, so that a dead reader, an overflow, a
full watch table and an unmounted root are noticed.

Of watchdog only the reader is used: its observer holds everything back for half a second where a file is
moved out of the tree, drops the errors of a full watch table, and can't be told what not to watch.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import Protocol

from watchdog.observers.inotify_c import InotifyFD

from ezrec.statemachine import calls, files, names
from ezrec.statemachine.journal import DIRECTORY as LOGS
from ezrec.statemachine.root import OWN, Root
from ezrec.statemachine.watches import BUDGET, CANARY, Watches

log = logging.getLogger("ezrec")

#: told a recording's id, or None: anything may have changed
Hint = Callable[[str | None], None]


class Watcher(Protocol):
    """Tells hints until it is stopped. `check` is called now and then; False means blind: scan.

    `follow` is told each recording before it is looked at; `needed` says that it is in flight. False:
    its changes are not hinted. `spare` says that one is finished: it need not be followed any more.
    """

    def start(self, hint: Hint) -> None: ...

    def stop(self) -> None: ...

    def check(self) -> bool: ...

    def follow(self, recording: str, needed: bool) -> bool: ...

    def spare(self, recording: str) -> None: ...


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
    if rest[:1] == (LOGS,):
        return ""
    return recording if names.is_name(recording.rpartition("/")[2]) else ""


class _Reader(InotifyFD):
    """watchdog's thread that reads the kernel's events; it ends with a sentence, not with a traceback."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        try:
            super().__init__()
        except OSError:
            if hasattr(self, "_inotify_fd"):
                os.close(self._inotify_fd)  # no room for its pipe: watchdog would leave it open
            raise
        self._on_death = on_death

    def start(self) -> None:
        """Raises OSError, also where no more threads are allowed: it is tried again like any other."""
        try:
            super().start()
        except RuntimeError as error:
            # or else `close` leaves the descriptors to a thread that never ran
            self._is_reading = False
            self.close()
            raise OSError(errno.EAGAIN, str(error)) from error

    def run(self) -> None:
        """Until it is stopped, or can't go on."""
        try:
            super().run()
        except OSError as error:
            log.error("no more events can be read: %s", error.strerror)
            self._is_reading = False  # or else `close` leaves the descriptors to this thread
            self._on_death()


class InotifyWatcher:
    """The real one: inotify watches on the root, the dates in it and the recordings, with the canary."""

    def __init__(self, root: Root, patience: float = 3.0, budget: int = BUDGET) -> None:
        self._root = root
        self._patience = patience
        self._budget = budget
        self._reader: _Reader | None = None
        self._watches: Watches | None = None
        self._canary = threading.Event()
        self._cage = ""
        self._trouble = ""
        self._hint: Hint = lambda _id: None

    def start(self, hint: Hint) -> None:
        """Watch the root and the dates in it; recordings are followed one by one. Raises OSError."""
        self._hint = hint
        self._remove_old_canaries()
        files.make_directory(self._root.fd, OWN, durable=False)
        with files.directory(OWN, self._root.fd) as own:
            files.make_directory(own, CANARY, durable=False)
        reader = _Reader(lambda: hint(None))
        reader.start()
        self._reader = reader
        self._watches = Watches(reader, self._root, self._changed, self._budget)
        try:
            self._watches.begin()
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the thread that reads."""
        reader, watches = self._reader, self._watches
        self._reader = self._watches = None
        if watches is not None:
            watches.end()
        if reader is not None:
            reader.stop()
            reader.join()

    def follow(self, recording: str, needed: bool) -> bool:
        """Watch a recording's directory if there is room, or it is in flight."""
        return self._watches is not None and self._watches.follow(recording, needed)

    def spare(self, recording: str) -> None:
        """A finished one: its watch is given up where many are watched."""
        if self._watches is not None:
            self._watches.spare(recording)

    def check(self) -> bool:
        """Send the canary round; where it does not come back, begin anew and answer False."""
        watches = self._watches
        if watches is None or watches.lost or not (self._reader and self._reader.is_alive()):
            self._restart()
            return False
        if watches.has_room() and self._canary_returns():
            return True
        if not watches.refused:  # a full table is no reason to throw it away
            self._restart()
        return False

    def is_full(self) -> bool:
        """Whether no more watches are allowed."""
        return self._watches is None or bool(self._watches.refused)

    def _restart(self) -> None:
        try:
            self.stop()
            self.start(self._hint)
            self._trouble = ""
        except OSError as error:
            self._say(f"the watcher can't be started: {error.strerror}")

    def _say(self, trouble: str) -> None:
        """Once, however often it is tried."""
        if trouble != self._trouble:
            log.warning("%s", trouble)
        self._trouble = trouble

    def _changed(self, parts: tuple[str, ...]) -> None:
        """From the thread that reads. No parts: events were lost, anything may have changed."""
        if parts[:2] == (OWN, CANARY):
            if parts[2:3] == (self._cage,) and len(parts) == 4:
                self._canary.set()
        elif (hint := hint_of(parts) if parts else None) != "":
            self._hint(hint)

    def _canary_returns(self) -> bool:
        self._canary.clear()
        try:
            files.make_directory(self._root.fd, OWN, durable=False)
            with files.directory(OWN, self._root.fd) as own:
                return self._goes_round(own)
        except OSError as error:
            self._say(f"no canary can be sent: {error.strerror}")
            return False

    def _goes_round(self, own: int) -> bool:
        """A new subdirectory, and a file in it: watched only if the watches follow what is made."""
        files.make_directory(own, CANARY, durable=False)
        with files.directory(CANARY, own) as canaries:
            self._cage = cage = secrets.token_hex(8)
            calls.make_directory(canaries, cage)
            try:
                with files.directory(cage, canaries) as fd:
                    files.close(files.open_new(fd, "bird"))
                return self._canary.wait(self._patience)
            finally:
                files.remove_tree(canaries, cage)

    def _remove_old_canaries(self) -> None:
        try:
            with files.directory(OWN, self._root.fd) as own:
                files.remove_tree(own, CANARY)
        except OSError:
            return  # they are in nobody's way


def sends_events(root: Root) -> bool:
    """Whether a canary comes back; True where that can't be found out for want of a watch."""
    watcher = InotifyWatcher(root)
    try:
        watcher.start(lambda _id: None)
        return watcher.check() or watcher.is_full() or watcher.check()
    except OSError:
        return True
    finally:
        watcher.stop()


class NoWatcher:
    """For file systems without events: always blind, so the engine scans."""

    def start(self, hint: Hint) -> None:
        """Nothing will be hinted."""

    def stop(self) -> None:
        """Nothing to end."""

    def check(self) -> bool:
        """Blind."""
        return False

    def follow(self, recording: str, needed: bool) -> bool:
        """Nothing is followed."""
        return False

    def spare(self, recording: str) -> None:
        """Nothing was followed."""
