"""What makes the engine look without being told: the scan, and the canary that minds the watcher."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.place import Place
from ezrec.statemachine.scan import Found, scan
from ezrec.statemachine.view import Scene
from ezrec.statemachine.watcher import Hint, Watcher

log = logging.getLogger("ezrec")
CHECK_EVERY = 8.0
BLIND_SCAN = 2.0


class Patrol:
    """Scans every `scan_every` seconds, or every two while the watcher is blind.

    `watching` says whether events arrive; `on_watching` is told when that changes.
    """

    def __init__(self, scene: Scene, watcher: Watcher, scan_every: float) -> None:
        self.watching = False
        self.on_watching: Callable[[bool], None] = lambda _watching: None
        self._scene = scene
        self._watcher = watcher
        self.scan_every = scan_every
        self._tokens: dict[str, int] = {}
        self._root_there = True
        self._next_scan = 0.0
        self._next_check = 0.0

    def begin(self, hint: Hint) -> list[str]:
        """Watch first, scan second: what comes in between is met twice, not missed. The recordings
        to look at: all that are not finished."""
        try:
            self._watcher.start(hint)
            self.watching = True
        except OSError as error:
            log.warning("not watching, scanning instead: %s", error)
        self.on_watching(self.watching)
        self._next_check = self._now() + CHECK_EVERY
        changed, _ = self._scan()
        return self._open_ones(changed)

    def end(self) -> None:
        """Stop watching."""
        self._watcher.stop()

    def next_due(self) -> float:
        """When there is something to do, in seconds of the boot clock."""
        return min(self._next_scan, self._next_check)

    def rescan(self) -> None:
        """Scan at the next round."""
        self._next_scan = 0.0

    def round(self) -> tuple[list[str], list[str]]:
        """Do what is due: the recordings that changed, and those that are gone."""
        if self._now() >= self._next_check:
            self._check()
        return self._scan() if self._now() >= self._next_scan else ([], [])

    def _now(self) -> float:
        return self._scene.clock.seconds()

    def _check(self) -> None:
        """A blind engine scans every two seconds, and says so."""
        before, self.watching = self.watching, self._watcher.check()
        if before and not self.watching:
            log.warning("the watcher is blind: scanning every %g s until it sees", BLIND_SCAN)
        elif self.watching and not before:
            log.info("watching again")
        if before != self.watching:
            self.on_watching(self.watching)
            self.rescan()
        self._next_check = self._now() + CHECK_EVERY

    def _scan(self) -> tuple[list[str], list[str]]:
        """A stat for each directory; a token that has moved since the last scan is a change."""
        every = self.scan_every if self.watching else min(BLIND_SCAN, self.scan_every)
        self._next_scan = self._now() + every
        if not self._root_answers():
            return [], []
        try:
            met = {e.id: e.token for e in scan(self._scene.root) if isinstance(e, Found)}
        except (StateMachineError, OSError) as error:
            log.error("%s", error)
            return [], []
        gone = [each for each in self._tokens if each not in met]
        changed = [each for each, token in met.items() if self._tokens.get(each) != token]
        self._tokens = met
        return changed, gone

    def _root_answers(self) -> bool:
        before, self._root_there = self._root_there, self._scene.root.is_still_there()
        if before and not self._root_there:
            log.error("the root %s is gone: waiting for it", self._scene.root.path)
        return self._root_there

    def _open_ones(self, recordings: list[str]) -> list[str]:
        """Those that are not finished, locked ones first: what runs is known before more starts."""
        looked_at = [(self._is_locked(each), each) for each in recordings]
        return [each for locked, each in sorted(looked_at, key=_locked_first) if locked is not None]

    def _is_locked(self, recording: str) -> bool | None:
        """None: a listing shows that it is finished."""
        try:
            place = Place(self._scene.root.open(recording), self._scene.lifecycle)
        except (StateMachineError, OSError):
            return False
        try:
            return None if place.finished() else place.look().lock
        except OSError:
            return False
        finally:
            place.close()


def _locked_first(looked_at: tuple[bool | None, str]) -> bool:
    return not looked_at[0]
