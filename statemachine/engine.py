"""The composition root of the state machine: one root, one lifecycle, one worker."""

from __future__ import annotations

import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ezrec.statemachine import files, probe
from ezrec.statemachine.clock import Clock, SystemClock
from ezrec.statemachine.errors import RootBusy, RootUnusable
from ezrec.statemachine.hooks import HookPath
from ezrec.statemachine.lifecycle import Lifecycle
from ezrec.statemachine.machine import LifecycleMachine
from ezrec.statemachine.patrol import Patrol
from ezrec.statemachine.root import DAEMON, OWN, Root
from ezrec.statemachine.runner import ProcessRunner, Runner
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.tally import Tally
from ezrec.statemachine.tells import Tells
from ezrec.statemachine.watcher import InotifyWatcher, NoWatcher, Watcher, sends_events
from ezrec.statemachine.worker import Worker
from ezrec.statemachine.world import Changed, Describe, Verify, World

log = logging.getLogger("ezrec")
_CLAIM_PATIENCE = 1.0


def nothing_to_add(_fd: int, _recording: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """A Describe that adds nothing to the hook contract."""
    return {}, {}


def nothing_to_verify(_stage: str, _fd: int) -> str:
    """A Verify that is content when the declared outputs are there."""
    return ""


class Engine:
    """Drives every recording below `root` through `lifecycle`.

    `hooks` are directories, searched in order. `settle` is how long a drop must stand still,
    `scan_every` how often everything is looked at whatever the watcher says. `describe` and `verify`
    are the application's say in hooks and outputs. `unsafe_fs` works by scanning on a file system that can't
    keep the promises. Clock, runner, watcher and `chance` (uniform in
    [0, 1)) are parameters, so that a test can give its own.
    """

    def __init__(
        self,
        root: Path,
        lifecycle: Lifecycle,
        hooks: tuple[Path, ...],
        *,
        settle: timedelta = timedelta(seconds=5),
        scan_every: timedelta = timedelta(seconds=60),
        describe: Describe = nothing_to_add,
        verify: Verify = nothing_to_verify,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        setup: str = "",
        reserved: frozenset[str] = frozenset(),
        clock: Clock | None = None,
        runner: Runner | None = None,
        watcher: Watcher | None = None,
        unsafe_fs: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        opened = Root(root, reserved)
        self._listeners: list[Callable[[Changed], None]] = []
        self._queues: list[SimpleQueue[Changed | None]] = []
        self.world = World(
            root=opened,
            lifecycle=lifecycle,
            machine=LifecycleMachine(lifecycle),
            clock=clock or SystemClock(),
            chance=chance,
            runner=runner or ProcessRunner(),
            hooks=HookPath(hooks),
            tells=Tells(opened),
            describe=describe,
            verify=verify,
            environment=os.environ if environment is None else environment,
            secrets=os.environ if secrets is None else secrets,
            setup=setup,
            on_change=self._changed,
        )
        seconds = scan_every.total_seconds()
        self._unsafe_fs = unsafe_fs
        self._needs_events = watcher is None and not unsafe_fs
        ours = NoWatcher() if unsafe_fs else InotifyWatcher(opened)
        patrol = Patrol(self.world, watcher or ours, seconds)
        patrol.on_watching = self._say
        self.worker = Worker(self.world, patrol, Settling(settle.total_seconds()))
        self._thread: threading.Thread | None = None
        self._unsaid = ""

    def run(self, once: bool = False) -> Tally:
        """Work in this thread until `stop`. Raises RootBusy where another daemon has this root."""
        self._claim()
        return self._work(once)

    def start(self) -> None:
        """Work in a thread of this process. Installs no signal handler; works already: nothing more.

        Raises RootBusy, RootUnusable.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        self._claim()
        self.worker.make_ready()
        self._thread = threading.Thread(target=self._work, name="ezrec", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the work soon, and wait for it. Hooks that run go on under their supervisors."""
        self.worker.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Stop, and let go of the root."""
        self.stop()
        self.world.runner.close()
        self.world.root.close()

    def listen(self, callback: Callable[[Changed], None]) -> None:
        """Call `callback` at each change of state, in the engine's thread: it must return soon."""
        self._listeners.append(callback)

    def changes(self) -> Iterator[Changed]:
        """Changes of state as they happen, from now on; ends when the engine stops."""
        arrived: SimpleQueue[Changed | None] = SimpleQueue()
        self._queues.append(arrived)
        return self._arriving(arrived)

    def _arriving(self, arrived: SimpleQueue[Changed | None]) -> Iterator[Changed]:
        try:
            while (changed := arrived.get()) is not None:
                yield changed
        finally:
            self._queues.remove(arrived)

    def _changed(self, changed: Changed) -> None:
        if self.world.lifecycle.state(changed.state).error and changed.how not in ("find", "push"):
            self.worker.tally.failed.add(changed.recording)
        for listener in self._listeners:
            try:
                listener(changed)
            except Exception:
                # not ours, and no reason to stop recording
                log.exception("a transition callback failed at %s", changed)
        for arrived in list(self._queues):  # another thread takes its own out when it is done
            arrived.put(changed)

    def _claim(self) -> None:
        """Be the only daemon of this root: an flock on the root itself. A look at it takes a moment."""
        path = self.world.root.path
        if not os.access(path, os.W_OK | os.X_OK):
            raise RootUnusable(
                f"the root {path} can't be written", "mount it read-write, or chown it"
            )
        deadline = time.monotonic() + _CLAIM_PATIENCE
        while not self._is_locked():
            if time.monotonic() > deadline:
                raise RootBusy(f"another ezrec works on {path}", "see: ezrec status")
            time.sleep(0.02)
        self._judge_file_system()

    def _is_locked(self) -> bool:
        try:
            return files.try_lock(self.world.root.fd)
        except OSError as error:
            if error.errno not in probe.UNKNOWN:
                raise
            raise probe.refusal(self.world.root, (probe.FLOCK,)) from error

    def _judge_file_system(self) -> None:
        """Refuse a root that can't keep the promises, or say what may be lost on it."""
        root = self.world.root
        try:
            lacks = probe.probe(root)
        except OSError as error:
            log.warning("the file system can't be tried just now: %s", error.strerror)
            return
        if self._needs_events and not sends_events(root):
            lacks = (*lacks, probe.EVENTS)
        if lacks and not (self._unsafe_fs and not any(lack.needed for lack in lacks)):
            files.unlock(root.fd)
            raise probe.refusal(root, lacks)
        for lack in lacks:
            log.warning("unsafe file system: %s: %s", lack.what, lack.lost)

    def _work(self, once: bool = False) -> Tally:
        try:
            return self.worker.run(once)
        finally:
            for arrived in list(self._queues):
                arrived.put(None)
            files.unlock(self.world.root.fd)

    def _say(self, watching: bool) -> bool:
        """Write it down for `status`; False where that can't be done just now, which is said once."""
        told = {"pid": os.getpid(), "watching": "inotify" if watching else "scanning"}
        trouble = ""
        try:
            files.make_directory(self.world.root.fd, OWN)
            with files.directory(OWN, self.world.root.fd) as own:
                files.replace(own, DAEMON, json.dumps(told).encode(), durable=False)
        except OSError as error:
            trouble = error.strerror or "unknown error"
            if trouble != self._unsaid:
                log.warning("the daemon's own state can't be written: %s", trouble)
        self._unsaid = trouble
        return not trouble
