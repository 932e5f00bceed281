"""Which directories the kernel watches for us: the root, the dates in it, and recordings, up to a budget."""

from __future__ import annotations

import errno
import logging
import os
import threading
import warnings
from collections.abc import Callable
from typing import cast

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from ezrec.statemachine import names
from ezrec.statemachine.root import OWN, Root

log = logging.getLogger("ezrec")
# a directory that was renamed is watched under its new name: that is meant
warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
CANARY = "canary"
#: watches for finished recordings: a watch costs the kernel and us a kilobyte each
BUDGET = 20_000
_COMES = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_GOES = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_DIRECTORY = InotifyConstants.IN_ISDIR
MASK = cast(Mask, _COMES | _GOES | InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_DONT_FOLLOW)
_ID = CallbackId(0)
_ROOT = "."

#: told the parts of a path below the root that changed; none: events were lost
Changed = Callable[[tuple[str, ...]], None]


class Watches:
    """The table of watches of one reader. Two threads use it: the reader's, and the engine's.

    A directory is told of *after* it is watched: who lists it then misses nothing. All paths lead through
    the root's own descriptor, never through its name: another directory in its place is not watched.
    `lost` says that events were lost: begin anew. While something is `refused` the table is full.
    """

    def __init__(self, reader: InotifyFD, root: Root, changed: Changed, budget: int) -> None:
        self.lost = False
        self.refused: set[str] = set()
        self._reader = reader
        self._root = root
        self._changed = changed
        self._budget = budget
        self._lock = threading.RLock()
        self._paths: dict[int, str] = {}
        self._watched: dict[str, int] = {}

    def begin(self) -> None:
        """Watch the root, the canaries' place and every date. Raises OSError."""
        for path in (_ROOT, f"{OWN}/{CANARY}"):
            self._watch(path)
        for name in os.listdir(self._root.fd):
            if names.is_date(name):
                self._try_to_watch(name)

    def follow(self, recording: str, needed: bool) -> bool:
        """Watch a recording, and the date that it lies in; one that is not needed only within the budget."""
        if recording in self._watched:
            return True
        if not needed and len(self._watched) >= self._budget:
            return False
        date = recording.rpartition("/")[0]
        if date and date not in self._watched:
            self._try_to_watch(date)
        return self._try_to_watch(recording)

    def spare(self, recording: str) -> None:
        """Give the watch of a finished recording up where there are more than the budget allows."""
        with self._lock:
            if len(self._watched) > self._budget:
                self._drop(recording)

    def end(self) -> None:
        """Their reader is about to be stopped: that they go is no news."""
        with self._lock:
            self._paths.clear()

    def has_room(self) -> bool:
        """Whether all that was refused for want of room can be watched now: it is tried again."""
        for path in list(self.refused):
            self._try_to_watch(path)
            if path in self.refused:
                break  # the others would not fare better
        return not self.refused

    def _try_to_watch(self, path: str) -> bool:
        try:
            self._watch(path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.ENOMEM):
                self.refused.discard(path)
            else:
                self._refuse(path)
            return False
        self.refused.discard(path)
        return True

    def _refuse(self, path: str) -> None:
        if not self.refused:
            log.warning("%s can't be watched: no more watches are allowed", path)
        self.refused.add(path)

    def _watch(self, path: str) -> None:
        with self._lock:
            wd = self._reader.add_callback(
                os.fsencode(f"/proc/self/fd/{self._root.fd}/{path}"), MASK, self, _ID
            )
            if wd < 0:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            self._watched.pop(self._paths.get(wd, ""), None)
            self._paths[wd] = path
            self._watched[path] = wd

    def _drop(self, path: str) -> None:
        wd = self._watched.pop(path, None)
        if wd is not None:
            self._paths.pop(wd, None)
            self._reader.remove_callbacks([(WatchDescriptor(wd), _ID)])

    def on_event(self, event: InotifyEvent) -> None:
        """From the reader: something came or went in a watched directory."""
        where = self._paths.get(event.wd)
        if where is None or not event.name:
            return
        name = os.fsdecode(event.name)
        parts = (name,) if where == _ROOT else (*where.split("/"), name)
        if event.mask & _DIRECTORY and self._is_ours(parts):
            with self._lock:
                self._directory(parts, event.mask)
        self._changed(parts)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """From the reader: the directory is gone, or its file system was unmounted."""
        with self._lock:
            path = self._paths.pop(wd, None)
            if path is not None and self._watched.get(path) == wd:
                del self._watched[path]
        if path == _ROOT:
            self.on_queue_overflow()

    def on_queue_overflow(self) -> None:
        """From the reader: more happened than the kernel's queue could hold."""
        self.lost = True
        self._changed(())

    def _is_ours(self, parts: tuple[str, ...]) -> bool:
        """Whether a directory of this path is to be watched: a date, a recording, a canary's cage."""
        if parts[0] == OWN:
            return len(parts) == 3
        if len(parts) == 1:
            taken = names.is_date(parts[0]) or names.is_name(parts[0])
            return taken and parts[0] not in self._root.reserved
        return len(parts) == 2 and names.is_date(parts[0]) and names.is_name(parts[1])

    def _directory(self, parts: tuple[str, ...], mask: int) -> None:
        path = "/".join(parts)
        if mask & _GOES:
            for each in (path, *self._below(path)):
                self._drop(each)
        elif self._try_to_watch(path):
            self._tell_what_is_there(parts, path)

    def _below(self, path: str) -> list[str]:
        """The recordings of a date that are watched: their paths lead nowhere when it is renamed."""
        if not names.is_date(path):
            return []
        return [each for each in self._watched if each.startswith(path + "/")]

    def _tell_what_is_there(self, parts: tuple[str, ...], path: str) -> None:
        """What was put into a date or a cage before it was watched."""
        if len(parts) == 2 or (len(parts) == 1 and not names.is_date(path)):
            return
        try:
            found = os.listdir(f"/proc/self/fd/{self._root.fd}/{path}")
        except OSError:
            return  # gone again
        for name in found:
            below = (*parts, name)
            if self._is_ours(below):
                self._try_to_watch("/".join(below))
            self._changed(below)
