"""The loop: takes up hints, reconciles, keeps the limits, looks again when something is due."""

from __future__ import annotations

import logging
import os
import queue
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from ezrec.statemachine import decide, processes, runs
from ezrec.statemachine.commit import deliver
from ezrec.statemachine.errors import NoSuchRecording, StateMachineError
from ezrec.statemachine.history import history_of
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.place import Place
from ezrec.statemachine.reconcile import Reconciled, reconcile
from ezrec.statemachine.root import Found
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.tells import Tell
from ezrec.statemachine.watcher import Watcher
from ezrec.statemachine.world import World

log = logging.getLogger("ezrec")
_CHECK_EVERY = 8.0
_BLIND_SCAN = 2.0
_TROUBLE_AGAIN = 5.0
_RUN = "run:"


@dataclass(kw_only=True)
class Tally:
    """What happened while the loop ran: for `--once`, and for whoever asks."""

    failed: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    troubled: dict[str, str] = field(default_factory=dict)


class Worker:
    """Everything that is decided is decided in the thread that calls `run`.

    `hint`, `wake` and `stop` may be called from any thread. `scan_every` in seconds.
    """

    def __init__(
        self, world: World, watcher: Watcher, settling: Settling, scan_every: float = 60.0
    ) -> None:
        self.world = world
        self.watching = False
        self.tally = Tally()
        self.on_tick: Callable[[], None] = lambda: None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_watching: Callable[[bool], None] = lambda _watching: None
        self._watcher = watcher
        self._settling = settling
        self._scan_every = scan_every
        self._hints: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._soon: dict[str, None] = {}
        self._due: dict[str, float] = {}
        self._queued: dict[str, Stage] = {}
        self._active: dict[str, Stage] = {}
        self._runs: dict[str, str] = {}
        self._contended: set[str] = set()
        self._tokens: dict[str, int] = {}
        self._stopping = False
        self._next_scan = 0.0
        self._next_check = 0.0
        world.runner.on_end = self._on_end

    def hint(self, recording: str | None) -> None:
        """This recording may have changed (None: any may have)."""
        self._hints.put(recording)

    def wake(self) -> None:
        """Let the loop look at its own state."""
        self._hints.put("")

    def stop(self) -> None:
        """End `run` soon; what is running goes on under its supervisors."""
        self._stopping = True
        self.wake()

    def run(self, once: bool = False) -> Tally:
        """Until `stop`; with `once`, until nothing is runnable now."""
        try:
            self._begin()
            self.on_ready()
            while not self._stopping:
                self._collect()
                self._reconcile_all()
                self._keep_time()
                self.on_tick()
                if once and self._is_done():
                    break
                self._sleep()
        finally:
            self._stopping = False
            self._watcher.stop()
        return self.tally

    def _begin(self) -> None:
        """Watch first, scan second: what comes in between is met twice, not missed."""
        try:
            self._watcher.start(self.hint)
            self.watching = True
        except OSError as error:
            log.warning("not watching, scanning instead: %s", error)
        self.on_watching(self.watching)
        self._scan(first=True)
        for tell in self.world.tells.waiting():
            self._tell_again(tell)
        self._next_check = self._now() + _CHECK_EVERY

    def _now(self) -> float:
        return self.world.clock.seconds()

    def _sleep(self) -> None:
        if self._soon or not self._hints.empty():
            return
        due = min([self._next_scan, self._next_check, *self._due.values()])
        try:
            self._take(self._hints.get(timeout=max(0.0, min(due - self._now(), 1.0))))
        except queue.Empty:
            return

    def _collect(self) -> None:
        while not self._hints.empty():
            self._take(self._hints.get())
        now = self._now()
        for recording in [each for each, due in self._due.items() if due <= now]:
            del self._due[recording]
            self._soon[recording] = None

    def _take(self, hint: str | None) -> None:
        if hint is None:
            self._next_scan = 0.0
        elif hint.startswith(_RUN):
            self._run_ended(hint.removeprefix(_RUN))
        elif hint:
            self._soon[hint] = None

    def _run_ended(self, run: str) -> None:
        recording = self._runs.pop(run, None)
        if recording is not None:
            self._soon[recording] = None
        else:
            self.world.tells.remove(run)

    def _reconcile_all(self) -> None:
        batch, self._soon = list(self._soon), {}
        for recording in batch:
            if self._stopping:
                return
            self._reconcile(recording)

    def _reconcile(self, recording: str) -> None:
        try:
            done = reconcile(self.world, recording, self._settling, self._admit)
        except NoSuchRecording:
            self._forget(recording)
        except (StateMachineError, OSError) as error:
            self._trouble(recording, str(error))
        except Exception:
            # one bad recording never stops the station, not even over a fault of ours
            log.exception("%s: a fault in ezrec itself; left alone for now", recording)
            self._trouble(recording, "a fault in ezrec itself, see the daemon's log")
        else:
            self.tally.troubled.pop(recording, None)
            self._note(recording, done)

    def _forget(self, recording: str) -> None:
        for memory in (self._due, self._queued, self._active, self._tokens):
            memory.pop(recording, None)
        self._settling.forget(recording)
        self._contended.discard(recording)
        self.tally.waiting.discard(recording)
        self.tally.troubled.pop(recording, None)

    def _trouble(self, recording: str, words: str) -> None:
        if self.tally.troubled.get(recording) != words:
            log.warning("%s: %s", recording, words)
        self.tally.troubled[recording] = words
        self._due[recording] = self._now() + _TROUBLE_AGAIN

    def _note(self, recording: str, done: Reconciled) -> None:
        if done.again is not None:
            self._due[recording] = self._now() + done.again
        else:
            self._due.pop(recording, None)
        self._note_running(recording, done)
        contended = isinstance(done.decision, decide.Watch) and done.decision.run is None
        (self._contended.add if contended else self._contended.discard)(recording)
        waits = isinstance(done.decision, decide.Wait | decide.Park)
        (self.tally.waiting.add if waits else self.tally.waiting.discard)(recording)
        if isinstance(done.decision, decide.Park):
            self._trouble(
                recording, f"{done.decision.stage.name} is parked: {done.decision.reason}"
            )
            self._due[recording] = self._now() + self._scan_every

    def _note_running(self, recording: str, done: Reconciled) -> None:
        run = done.decision.run if isinstance(done.decision, decide.Watch) else None
        if isinstance(done.decision, decide.Start) and done.started:
            self._queued.pop(recording, None)
            self._active[recording] = done.decision.stage
            self._runs[done.started] = recording
            self._make_room_for(done.decision.stage)
        elif done.queued is not None:
            self._active.pop(recording, None)
            self._queued[recording] = done.queued
        elif run is not None and (stage := self._stage(run.stage)) is not None:
            self._active[recording] = stage
        else:
            self._queued.pop(recording, None)
            if self._active.pop(recording, None) is not None:
                self._let_in()

    def _stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.world.lifecycle.stages if stage.name == name), None)

    def _admit(self, stage: Stage) -> tuple[bool, bool]:
        active = [each.name for each in self._active.values()]
        idle = not stage.urgent and any(each.urgent for each in self._active.values())
        return active.count(stage.name) < stage.limit, idle

    def _let_in(self) -> None:
        """A place is free: the queued look again, the most important first."""
        for recording in sorted(self._queued, key=lambda each: self._queued[each].priority):
            self._soon[recording] = None

    def _make_room_for(self, stage: Stage) -> None:
        """While an urgent stage runs, what runs already goes on at idle priority."""
        if stage.urgent:
            for recording, other in self._active.items():
                if not other.urgent:
                    self._signal(recording, signal.SIGUSR1)

    def _signal(self, recording: str, number: int) -> None:
        try:
            with self.world.root.opened(recording) as fd:
                progress = runs.read_progress(fd)
        except (StateMachineError, OSError):
            return  # gone in the meantime
        if progress is not None:
            processes.signal_exactly(progress.supervisor, progress.started, number)

    def _on_end(self, run: str, code: int) -> None:
        """From the runner's thread: only enqueue."""
        if code:
            log.warning("a run could not be minded: %s", os.strerror(code))
        self._hints.put(_RUN + run)

    def _keep_time(self) -> None:
        now = self._now()
        if now >= self._next_scan:
            self._scan()
        if now >= self._next_check:
            self._check()

    def _check(self) -> None:
        """The canary; a blind engine scans every two seconds and says so."""
        before, self.watching = self.watching, self._watcher.check()
        if before and not self.watching:
            log.warning("the watcher is blind: scanning every %g s until it sees", _BLIND_SCAN)
            self._next_scan = 0.0
        elif self.watching and not before:
            log.info("watching again")
            self._next_scan = 0.0
        if before != self.watching:
            self.on_watching(self.watching)
        self._next_check = self._now() + _CHECK_EVERY

    def _scan(self, first: bool = False) -> None:
        """Hint what changed since the last scan; the first one passes over what is finished."""
        every = self._scan_every if self.watching else min(_BLIND_SCAN, self._scan_every)
        self._next_scan = self._now() + every
        if not self.world.root.is_still_there():
            log.error("the root %s is gone: waiting for it", self.world.root.path)
            return
        met: dict[str, int] = {}
        for found in self.world.root.scan():
            if isinstance(found, Found):
                met[found.id] = found.token
        for recording in [each for each in self._tokens if each not in met]:
            self._forget(recording)
        changed = [each for each, token in met.items() if self._tokens.get(each) != token]
        self._tokens = met
        self._soon.update(dict.fromkeys(self._open_ones(changed) if first else changed))

    def _open_ones(self, recordings: list[str]) -> list[str]:
        """Those that are not finished, locked ones first: what runs is known before more is started."""
        found: list[tuple[bool, str]] = []
        for recording in recordings:
            try:
                place = Place(self.world.root.open(recording), self.world.lifecycle)
            except (StateMachineError, OSError):
                found.append((True, recording))
                continue
            try:
                if not place.finished():
                    found.append((not place.look().lock, recording))
            finally:
                place.close()
        return [recording for _, recording in sorted(found)]

    def _tell_again(self, tell: Tell) -> None:
        try:
            with self.world.root.opened(tell.recording) as fd:
                lines = Journal(fd, self.world.root.id, self.world.clock).read()
        except (StateMachineError, OSError):
            lines = []
        if history_of(lines).known == tell.state:
            deliver(self.world, tell)
        else:
            self.world.tells.remove(tell.run)

    def _is_done(self) -> bool:
        busy = self._soon or self._active or self._contended or not self._hints.empty()
        return not busy and not self._settling.waiting() and not self.world.tells.open
