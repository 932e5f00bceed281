"""What makes the engine look without being told: the scan, and the canary that minds the watcher."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from ezrec.statemachine import files, leases
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.lifecycle import LOCK
from ezrec.statemachine.place import is_finished
from ezrec.statemachine.sweep import FRESH, Sweep
from ezrec.statemachine.view import Scene
from ezrec.statemachine.watcher import Hint, Watcher

log = logging.getLogger("ezrec")
CHECK_EVERY = 8.0
BLIND_SCAN = 2.0
#: directories that a blind scan stats in a second of its waiting: a hundred thousand are not met every 2 s
_STATS = 5_000
#: how many directories are met, and how many listed, before what has been found is acted on
_MET = 2_000
_LISTED = 200


class Patrol:
    """Scans every `scan_every` seconds, or every two while the watcher is blind.

    `watching` says whether events arrive; `on_watching` is told when that changes, when the root that was
    lost is back, and again where it answers False: it could not be passed on.
    """

    def __init__(self, scene: Scene, watcher: Watcher, scan_every: float) -> None:
        self.watching = False
        self.on_watching: Callable[[bool], bool] = lambda _watching: True
        self.scan_every = scan_every
        self._scene = scene
        self._watcher = watcher
        self._hint: Hint = lambda _id: None
        self._passed_on = True
        self._tokens: dict[str, int] = {}
        self._sweep: Sweep | None = None
        self._to_look: list[str] = []
        self._to_follow: list[str] = []
        self._trouble = ""
        self._unlisted = ""
        self._next_scan = 0.0
        self._next_check = 0.0

    def begin(self, hint: Hint) -> list[str]:
        """Watch the root, meet every directory, and return the recordings to look at first: those in
        which somebody works. `round` finds the others, the newest first: each is watched, then listed.
        """
        self._hint = hint
        self._start_watching()
        self._passed_on = self.on_watching(self.watching)
        return self._meet_all()

    def end(self) -> None:
        """Stop watching."""
        self._watcher.stop()

    def next_due(self) -> float:
        """When there is something to do, in seconds of the boot clock."""
        if self._sweep is not None or self._to_look or self._to_follow:
            return 0.0
        return min(self._next_scan, self._next_check)

    def has_looked(self) -> bool:
        """Whether all that stood there at the start has been looked at."""
        return not self._to_look

    def rescan(self) -> None:
        """Scan at the next round, and see whether the watcher sees: events may have been lost."""
        self._next_scan = self._next_check = 0.0

    def finished(self, recording: str) -> None:
        """Nothing more happens to it by itself: it need not be watched."""
        self._watcher.spare(recording)

    def round(self) -> tuple[list[str], list[str]]:
        """Do a part of what is due: the recordings that changed, and those that are gone."""
        if self._now() >= self._next_check:
            self._check()
        if self._to_look:
            return self._look(), []
        if self._to_follow:
            self._follow_again()
        elif self._sweep is not None or self._now() >= self._next_scan:
            return self._scan()
        return [], []

    def _now(self) -> float:
        return self._scene.clock.seconds()

    def _start_watching(self) -> None:
        try:
            self._watcher.start(self._hint)
            self.watching = self._watcher.check()
        except OSError as error:
            log.warning("not watching: %s", error.strerror)
        if not self.watching:
            log.info("scanning every %g s", min(BLIND_SCAN, self.scan_every))
        self._next_check = self._now() + CHECK_EVERY

    def _meet_all(self) -> list[str]:
        """All at once, as nothing is known yet. Where the kernel does not tell who works where, everything
        is listed before anything is begun."""
        held = leases.held(self._scene.root.fd)
        try:
            sweep = Sweep(self._scene.root, {}, self._file_time(), held or frozenset())
            sweep.advance()
        except OSError as error:
            self._not_listed(error)
            return []
        self._tokens = sweep.met
        self._next_scan = self._now() + self._pause()
        first = sweep.leased
        self._to_look = sorted(set(sweep.met) - set(first), key=self._newness)
        return [*first, *self._look(None if held is None else _LISTED)]

    def _newness(self, recording: str) -> float:
        token = self._tokens[recording]
        return math.inf if token == FRESH else token

    def _file_time(self) -> int:
        return int(self._scene.clock.wall().timestamp() * 1e9)

    def _pause(self) -> float:
        """Until the next scan: more where many directories are scanned blindly."""
        blind = max(BLIND_SCAN, len(self._tokens) / _STATS)
        return self.scan_every if self.watching else min(blind, self.scan_every)

    def _check(self) -> None:
        """A blind engine scans every two seconds, and says so."""
        before, self.watching = self.watching, self._root_answers() and self._watcher.check()
        if before and not self.watching:
            log.warning("the watcher is blind: scanning every %g s until it sees", BLIND_SCAN)
        elif self.watching and not before:
            log.info("watching again")
            self._to_follow = list(self._tokens)
        if before != self.watching:
            self._next_scan = 0.0
        if before != self.watching or not self._passed_on:
            self._passed_on = self.on_watching(self.watching)
        soon = before and not self.watching
        self._next_check = self._now() + (BLIND_SCAN if soon else CHECK_EVERY)

    def _follow_again(self) -> None:
        """The watches are new ones: what changed before they stood is found by the scan after them."""
        for recording in _taken(self._to_follow, _MET):
            self._watcher.follow(recording, needed=False)
        if not self._to_follow:
            self._next_scan = 0.0

    def _scan(self) -> tuple[list[str], list[str]]:
        """A stat for each directory; a token that has moved since the last scan is a change."""
        try:
            if self._sweep is None:
                self._next_scan = self._now() + self._pause()
                if not self._root_answers() or self._to_look:  # away, or just taken up anew
                    return [], []
                self._sweep = Sweep(self._scene.root, self._tokens, self._file_time())
            if not self._sweep.advance(_MET):
                return [], []
        except OSError as error:
            self._not_listed(error)
            self._sweep = None
            return [], []
        self._unlisted = ""
        return self._swept(self._sweep)

    def _not_listed(self, error: OSError) -> None:
        """Once, however often it is tried."""
        why = error.strerror or "unknown error"
        if why != self._unlisted:
            log.error("the root %s can't be listed: %s", self._scene.root.path, why)
        self._unlisted = why

    def _swept(self, sweep: Sweep) -> tuple[list[str], list[str]]:
        self._sweep = None
        gone = sweep.gone()
        known, self._tokens = self._tokens, sweep.met
        fresh = [each for each in sweep.changed if known.get(each) == FRESH]
        for recording in sweep.changed:
            self._watcher.follow(recording, needed=True)
        self._to_look = fresh
        return [each for each in sweep.changed if known.get(each) != FRESH], gone

    def _look(self, directories: int | None = _LISTED) -> list[str]:
        """List some of those that are to be looked at: the ones that are not finished, locked ones first."""
        listed = {each: self._listed(each) for each in _taken(self._to_look, directories)}
        lifecycle = self._scene.lifecycle
        found = [each for each in listed if not is_finished(lifecycle, listed[each])]
        for recording in found:
            self._watcher.follow(recording, needed=True)
        return sorted(found, key=lambda each: LOCK not in listed[each])

    def _listed(self, recording: str) -> frozenset[str]:
        """Watch it, then list it: what comes later is hinted. Empty where it can't be listed."""
        self._watcher.follow(recording, needed=False)
        try:
            with self._scene.root.opened(recording) as fd:
                return frozenset(files.names(fd))
        except (StateMachineError, OSError):
            return frozenset()

    def _root_answers(self) -> bool:
        """Whether the root is there; one that was put back as another directory is taken up."""
        root = self._scene.root
        trouble = "" if root.is_still_there() else self._reopened()
        if trouble and trouble != self._trouble:
            log.error("%s: waiting for the root", trouble)
        elif self._trouble and not trouble:
            log.info("the root %s is back", root.path)
        self._trouble = trouble
        return not trouble

    def _reopened(self) -> str:
        """Everything is met anew, as at the start. Else what is wrong with what stands at the path."""
        try:
            self._scene.root.reopen()
        except StateMachineError as error:
            return str(error)
        except OSError as error:
            return f"the root {self._scene.root.path} can't be taken up: {error.strerror}"
        self._watcher.stop()
        self._start_watching()
        self._passed_on = self.on_watching(self.watching)
        self._sweep, self._to_follow = None, []
        for recording in self._meet_all():
            self._hint(recording)
        return ""


def _taken(waiting: list[str], number: int | None) -> list[str]:
    """So many from the end of the list (None: all), which is shortened."""
    taken = waiting[-number:] if number else waiting[:]
    del waiting[len(waiting) - len(taken) :]
    return taken[::-1]
