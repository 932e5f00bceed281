"""The loop: takes up hints, reconciles, keeps the limits, looks again when something is due."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable

from ezrec.statemachine import decide, processes, runs
from ezrec.statemachine.errors import DirectoryRefused, NoSuchRecording, StateMachineError
from ezrec.statemachine.inbox import Inbox
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.patrol import Patrol
from ezrec.statemachine.reconcile import Reconciled, reconcile
from ezrec.statemachine.roster import Roster
from ezrec.statemachine.runner import LOST
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.tally import Tally
from ezrec.statemachine.telling import cross_off, tell_on, tell_what_was_left
from ezrec.statemachine.world import World

log = logging.getLogger("ezrec")
_TROUBLE_AGAIN = 5.0
_LONGEST_SLEEP = 1.0


class Worker:
    """Everything that is decided is decided in the thread that calls `run`.

    `stop` may be called from any thread and from a signal handler. `on_ready` is called when the
    watches stand and all has been looked at once, `on_tick` at each round, at least once a second.
    """

    def __init__(self, world: World, patrol: Patrol, settling: Settling) -> None:
        self.tally = Tally()
        self.on_ready: Callable[[], None] = lambda: None
        self.on_tick: Callable[[], None] = lambda: None
        self._world = world
        self._patrol = patrol
        self._settling = settling
        self._inbox = Inbox()
        self._roster = Roster()
        self._soon: dict[str, None] = {}
        self._due: dict[str, float] = {}
        self._runs: dict[str, str] = {}
        self._contended: set[str] = set()
        self._tell_again = 0.0
        self._stopping = False
        world.runner.on_end = self._on_end

    def stop(self) -> None:
        """End `run` soon; what is running goes on under its supervisors."""
        self._stopping = True
        self._inbox.wake()

    def make_ready(self) -> None:
        """Forget a stop that came while nothing ran."""
        self._stopping = False

    def run(self, once: bool = False) -> Tally:
        """Until `stop`; with `once`, until nothing is runnable now."""
        try:
            self._hasten(self._patrol.begin(self._inbox.hint))
            tell_what_was_left(self._world)
            ready = False
            while not self._stopping:
                if not ready and self._patrol.has_looked():
                    ready = True
                    self.on_ready()
                self._round()
                if once and self._is_done():
                    break
                self._collect(self._patience())
        finally:
            self._stopping = False
            self._patrol.end()
        return self.tally

    def _round(self) -> None:
        batch, self._soon = list(self._soon), {}
        until = self._now() + _LONGEST_SLEEP
        for number, recording in enumerate(batch):
            if self._stopping:
                return
            if self._now() > until:
                self._hasten(batch[number:])  # a flood keeps neither the canary nor systemd waiting
                break
            self._reconcile(recording)
        changed, gone = self._patrol.round()
        self._hasten(changed)
        for recording in gone:
            self._forget(recording)
        self.on_tick()

    def _hasten(self, recordings: Iterable[str]) -> None:
        self._soon.update(dict.fromkeys(recordings))

    def _now(self) -> float:
        return self._world.clock.seconds()

    def _patience(self) -> float:
        """Seconds until something is due; 0 where something is."""
        if self._soon:
            return 0.0
        due = min([self._patrol.next_due(), *self._due.values()])
        return max(0.0, min(due - self._now(), _LONGEST_SLEEP))

    def _collect(self, patience: float) -> None:
        mail = self._inbox.take(patience)
        self._hasten(mail.recordings)
        for run, code in mail.runs:
            self._run_ended(run, code)
        if mail.rescan:
            self._patrol.rescan()
        now = self._now()
        if now >= self._tell_again and not tell_on(self._world):
            self._tell_again = now + _TROUBLE_AGAIN
        ready = [recording for recording, due in self._due.items() if due <= now]
        for recording in ready:
            del self._due[recording]
        self._hasten(ready)

    def _run_ended(self, run: str, code: int) -> None:
        recording = self._runs.pop(run, None)
        self._world.minded.ended(run, code)
        why = "" if code in (0, LOST) else _why(code)
        if self._world.minded.is_news(recording or "a tell", why):
            log.warning("%s: a run could not be minded to its end: %s", recording or "a tell", why)
        if recording is not None:
            self._hasten([recording])
        elif code == LOST:
            self._world.tells.open.discard(run)  # told again by the next start
        else:
            cross_off(self._world, run)

    def _on_end(self, run: str, code: int) -> None:
        """From the runner's thread: only enqueue."""
        self._inbox.run_ended(run, code)

    def _reconcile(self, recording: str) -> None:
        try:
            done = reconcile(self._world, recording, self._settling, self._roster.admit)
        except NoSuchRecording:
            self._forget(recording)
        except (StateMachineError, OSError) as error:
            _put(self.tally.refused, recording, isinstance(error, DirectoryRefused))
            self._set_aside(recording)
            self._trouble(recording, _words(error))
        except Exception:
            # one bad recording never stops the station, not even over a fault of ours
            log.exception("%s: a fault in ezrec itself; left alone for now", recording)
            self._set_aside(recording)
            self._trouble(recording, "a fault in ezrec itself, see the daemon's log")
        else:
            self.tally.refused.discard(recording)
            self._note(recording, done)

    def _set_aside(self, recording: str) -> None:
        """What can't be taken up is waited for by nobody, and holds no place of its stage once its run
        is over: others go on."""
        self._settling.forget(recording)
        self._contended.discard(recording)
        if recording not in self._runs.values():
            self._hasten(self._roster.ended(recording))

    def _forget(self, recording: str) -> None:
        self._due.pop(recording, None)
        self._hasten(self._roster.ended(recording))
        self._settling.forget(recording)
        self._contended.discard(recording)
        self.tally.forget(recording)

    def _trouble(self, recording: str, words: str, again: float = _TROUBLE_AGAIN) -> None:
        if self.tally.troubled.get(recording) != words:
            log.warning("%s: %s", recording, words)
        self.tally.troubled[recording] = words
        self._due[recording] = self._now() + again

    def _note(self, recording: str, done: Reconciled) -> None:
        """Remember when to look again, and what runs and waits."""
        self._due.pop(recording, None)
        if done.again is not None:
            self._due[recording] = self._now() + done.again
        decision = done.decision
        if isinstance(decision, decide.Leave) and self._world.lifecycle.is_final(done.state):
            self._patrol.finished(recording)
        _put(self._contended, recording, isinstance(decision, decide.Watch) and not decision.run)
        _put(self.tally.waiting, recording, isinstance(decision, decide.Wait | decide.Park))
        if isinstance(decision, decide.Park):
            words = f"{decision.stage.name} is parked: {decision.reason}"
            self._trouble(recording, words, self._patrol.scan_every)
        else:
            self.tally.troubled.pop(recording, None)
        self._note_work(recording, done)

    def _note_work(self, recording: str, done: Reconciled) -> None:
        stage = self._stage_that_runs(done)
        if stage is not None:
            self._hasten(self._roster.started(recording, stage))
            for other in self._roster.yielding(stage):
                self._yield(other)
        elif done.queued is not None:
            self._hasten(self._roster.waits(recording, done.queued))
        else:
            self._hasten(self._roster.ended(recording))
        if done.started:
            self._runs[done.started] = recording

    def _stage_that_runs(self, done: Reconciled) -> Stage | None:
        if isinstance(done.decision, decide.Start):
            return done.decision.stage if done.started else None
        if (
            isinstance(done.decision, decide.Watch | decide.Cancel)
            and done.decision.run is not None
        ):
            name = done.decision.run.stage
            return next((s for s in self._world.lifecycle.stages if s.name == name), None)
        return None

    def _yield(self, recording: str) -> None:
        """Have its supervisor go on at idle priority, while an urgent stage runs elsewhere."""
        try:
            with self._world.root.opened(recording) as fd:
                progress = runs.read_progress(fd)
        except (StateMachineError, OSError):
            return  # gone in the meantime
        if progress is not None:
            processes.signal_exactly(progress.supervisor, progress.started, signal.SIGUSR1)

    def finish_telling(self, seconds: float) -> None:
        """Wait until the `on_<state>` hooks that were started have ended: for a program that does not
        run this loop. What has not ended in time is told again by the next daemon."""
        deadline = self._now() + seconds
        while self._world.tells.open and self._now() < deadline:
            self._collect(0.2)

    def _is_done(self) -> bool:
        """Nothing runs, nothing settles, nothing has changed."""
        busy = self._soon or self._contended or self._roster.is_busy() or not self._inbox.is_empty()
        waits = self._settling.waiting() or self._world.tells.open
        return not busy and not waits and self._patrol.has_looked()


def _words(error: StateMachineError | OSError) -> str:
    """One sentence, the same for one fault whatever call met it: it is said once."""
    if isinstance(error, OSError):
        return f"its directory can't be used: {error.strerror}; it is tried again by itself"
    return str(error)


def _why(code: int) -> str:
    """Why a supervisor ended with this code: an errno, or the negative of a signal's number."""
    return os.strerror(code) if code > 0 else f"its supervisor was killed by signal {-code}"


def _put(members: set[str], recording: str, belongs: bool) -> None:
    (members.add if belongs else members.discard)(recording)
