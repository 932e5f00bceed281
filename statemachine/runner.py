"""Who starts a run: a small protocol, and the real one, which asks the nursery."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ezrec.statemachine.environment import inherited
from ezrec.statemachine.errors import RunnerUnavailable, StartUncertain
from ezrec.statemachine.messages import Message, receive, send
from ezrec.statemachine.runs import Launch

#: told the run's id, and an errno where the run could not even be minded (else 0)
OnEnd = Callable[[str, int], None]
#: the code of a run whose end nobody will tell
LOST = -1000
_PATIENCE = 5.0
_WAKE_EVERY = 0.2


class Runner(Protocol):
    """Starts runs; the end of each is told to `on_end`, from whatever thread."""

    on_end: OnEnd

    def start(self, launch: Launch, fd: int) -> None:
        """Start `launch` in the leased directory `fd`; the lease is shared, so `fd` may be closed.

        Raises RunnerUnavailable (nothing was started) or StartUncertain.
        """

    def close(self) -> None:
        """Let go of the machinery. Runs that are going on go on."""


class ProcessRunner:
    """Runs hooks under supervisors forked by a nursery, which is started when first needed."""

    def __init__(self) -> None:
        self.on_end: OnEnd = lambda _run, _code: None
        self._nursery: _Nursery | None = None
        self._lock = threading.Lock()

    def start(self, launch: Launch, fd: int) -> None:
        """See Runner.start. A nursery that is found dead is replaced, once; one that has taken the
        request and does not answer is killed, and nobody else is asked: it may have forked."""
        with self._lock:
            for _ in range(2):
                if self._nursery is None:
                    self._nursery = self._begun()
                if self._nursery.ask(launch, fd):
                    if self._nursery.hear(launch):
                        return
                    self._drop()
                    raise StartUncertain(
                        f"nobody answers for run {launch.run}", "it is looked at again"
                    )
                self._drop()
        raise RunnerUnavailable(
            "the process that starts hooks does not answer", "it is tried again"
        )

    def _begun(self) -> _Nursery:
        try:
            return _Nursery(self._ended)
        except (OSError, RuntimeError) as error:  # no process, descriptor or thread is left for it
            raise RunnerUnavailable(
                f"the process that starts hooks can't be started: {error}", "it is tried again"
            ) from error

    def _drop(self) -> None:
        if self._nursery is not None:
            self._nursery.kill()
            self._nursery = None

    def close(self) -> None:
        """Let go of the nursery; it ends when its last supervisor has."""
        with self._lock:
            if self._nursery is not None:
                self._nursery.close()
                self._nursery = None

    def _ended(self, run: str, code: int) -> None:
        self.on_end(run, code)


class _Nursery:
    """The daemon's end of one nursery process."""

    def __init__(self, ended: OnEnd) -> None:
        self._sock, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-m", "ezrec.statemachine.nursery", str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=inherited(os.environ),  # what it starts with is read by every hook
                start_new_session=True,
            )
        except OSError:
            self._sock.close()
            raise
        finally:
            theirs.close()
        self._answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ended = ended
        self._minded: set[str] = set()
        self._thread = threading.Thread(target=self._listen, name="ezrec-nursery", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._process.kill()
            self._process.wait()
            self._sock.close()
            raise

    def ask(self, launch: Launch, fd: int) -> bool:
        """Whether the request was taken whole; if not, nothing was or will be started."""
        if self._process.poll() is not None:
            return False
        # before it can die of it: its loss is told of the runs that stand there then
        self._minded.add(launch.run)
        try:
            send(self._sock, launch._asdict(), (fd,))
        except OSError:
            self._minded.discard(launch.run)
            return False
        return True

    def hear(self, launch: Launch) -> bool:
        """Whether it has said that a supervisor was started for this launch. A hook may have stopped it:
        it is woken, for only it knows what a killed supervisor has left behind. Raises RunnerUnavailable
        where it can't fork."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = self._answers.get(timeout=_WAKE_EVERY)
            except queue.Empty:
                self._process.send_signal(signal.SIGCONT)
                continue
            if answer is None:
                return False
            if answer.get("refused") == launch.run:
                why = os.strerror(answer["code"])
                raise RunnerUnavailable(f"no hook can be started: {why}", "it is tried again")
            if answer.get("started") == launch.run:
                return True
        return False

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._hang_up()
        self._process.wait()

    def close(self) -> None:
        """Hang up, and wait until the process has gone; not where it still has runs to mind."""
        self._hang_up()
        if self._minded:
            threading.Thread(target=self._process.wait, daemon=True).start()
            return
        try:
            self._process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hang_up(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()

    def _listen(self) -> None:
        while (message := self._next()) is not None:
            if "ended" in message:
                self._minded.discard(message["ended"])
                self._ended(message["ended"], message["code"])
            else:
                self._minded.discard(message.get("refused", ""))
                self._answers.put(message)
        self._answers.put(None)
        for run in list(self._minded):  # they go on, and nobody is left to tell of their end
            self._ended(run, LOST)

    def _next(self) -> Message | None:
        try:
            received = receive(self._sock)
        except OSError:
            return None
        return received[0] if received else None
