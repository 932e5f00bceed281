"""The parent of all supervisors: a small process, started once, that forks one for each run.

It is asked over a socket (with the leased directory's descriptor attached) and answers each request with
the pid, or with the errno that kept it from forking; when a supervisor has ended it says so. It ends when
the daemon has gone and the last supervisor too.

What the hook of a killed supervisor has started, whatever it calls itself, becomes a child of the
nursery and is ended here; until that is done the nursery keeps the lease, so nothing is begun beside it.

In a lull it forks the next supervisor ahead of time, which then waits for its launch: a fork, and the
first touch of every page after it, take as long as all else between a marker and its hook.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ezrec.statemachine import children
from ezrec.statemachine.messages import Message, receive, send
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.spawn import become_subreaper
from ezrec.statemachine.supervisor import Supervisor

AwaitLaunch = Callable[[], tuple[Message, list[int]] | None]

_LULL = 10  # milliseconds without a request


def launch_of(message: Message) -> Launch:
    """A Launch as it came over the socket."""
    commands = tuple(tuple(command) for command in message.pop("commands"))
    return Launch(commands=commands, **message)


@dataclass(frozen=True, slots=True)
class Spare:
    """A supervisor that waits for its launch at the other end of `sock`."""

    pid: int
    sock: socket.socket


@dataclass(frozen=True, slots=True)
class Charge:
    """The run of a supervisor that lives, and the lease that is given back when nothing is left of it."""

    run: str
    lease: int


class Nursery:
    """The loop: requests in, pids and ends out."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._charges: dict[int, Charge] = {}
        self._spare: Spare | None = None
        self._may_spare = True
        self._serving = True
        self._pid = os.getpid()

    def serve(self) -> None:
        """Until the other side is closed and every supervisor has ended."""
        become_subreaper()
        gc.freeze()  # a collection in a supervisor would copy every page that it shares
        wake, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        poller.register(self._sock, select.POLLIN)
        while self._serving or self._charges:
            wants_spare = self._serving and self._may_spare and self._spare is None
            ready = [fd for fd, _ in poller.poll(_LULL if wants_spare else None)]
            if not ready:
                self._prepare_spare()
            if wake in ready:
                os.read(wake, 512)
            self._collect()
            if self._sock.fileno() in ready and not self._answer():
                poller.unregister(self._sock)
                self._serving = False
                self._dismiss_spare()

    def _answer(self) -> bool:
        received = receive(self._sock)
        if received is None:
            return False
        message, fds = received
        run = message["run"]
        try:
            self._say({"started": run, "pid": self._begin(run, message, fds)})
        except OSError as error:
            self._say({"refused": run, "code": error.errno})
        return True

    def _begin(self, run: str, message: Message, fds: list[int]) -> int:
        """The pid of the supervisor that minds the run. Raises OSError: there is none, and nothing begins."""
        if not fds:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        lease = fds[0]
        try:
            pid = self._hand_over(message, lease) or self._fork(message, lease)
        except OSError:
            os.close(lease)
            raise
        self._charges[pid] = Charge(run, lease)
        self._may_spare = True
        return pid

    def _say(self, message: Message) -> None:
        try:
            send(self._sock, message)
        except (BrokenPipeError, ConnectionResetError):
            pass  # nobody is there to be told: the next look at the socket says so

    def _hand_over(self, message: Message, fd: int) -> int:
        """The spare's pid; 0 where there is none, or it has died: then it has begun nothing."""
        spare, self._spare = self._spare, None
        if spare is None:
            return 0
        try:
            send(spare.sock, message, (fd,))
        except OSError:
            return 0
        finally:
            spare.sock.close()
        return spare.pid

    def _fork(self, message: Message, fd: int) -> int:
        pid = os.fork()
        if pid == 0:
            self._become_supervisor(lambda: (message, [fd]), fd)
        return pid

    def _prepare_spare(self) -> None:
        """Where no process or descriptor is to be had it goes without, and asks again after a request:
        those that it minds already need it."""
        try:
            self._spare = self._fork_spare()
        except OSError:
            self._may_spare = False

    def _fork_spare(self) -> Spare:
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            ours.close()
            self._become_supervisor(lambda: receive(theirs))
        theirs.close()
        return Spare(pid, ours)

    def _become_supervisor(self, await_launch: AwaitLaunch, own: int = -1) -> NoReturn:
        """In the child of a fork: let go of what is the nursery's, the leases of others above all."""
        self._sock.close()
        for charge in self._charges.values():
            if charge.lease != own:
                os.close(charge.lease)
        supervise(await_launch, self._pid)

    def _dismiss_spare(self) -> None:
        if self._spare is not None:
            self._spare.sock.close()
            self._spare = None

    def _collect(self) -> None:
        """Every child that has ended. What is neither a supervisor nor the spare was left by a
        supervisor that died."""
        while ended := _ended_child():
            pid, code = ended
            if self._spare and self._spare.pid == pid:
                self._dismiss_spare()
            elif charge := self._charges.pop(pid, None):
                self._conclude(charge, code)
            else:
                self._end_orphans()

    def _conclude(self, charge: Charge, code: int) -> None:
        if code != 0:
            self._end_orphans()
        os.close(charge.lease)
        self._say({"ended": charge.run, "code": code})

    def _end_orphans(self) -> None:
        children.end_orphans({*self._charges, *([self._spare.pid] if self._spare else [])})


def _ended_child() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def supervise(await_launch: AwaitLaunch, nursery: int) -> NoReturn:
    """In the child of a fork: mind the run that `await_launch` gives, then end the process. A nursery
    that goes while it is waited for leaves nothing to do."""
    code = 255
    try:
        os.setsid()
        become_subreaper()
        received = await_launch()
        if received is not None:
            message, fds = received
            Supervisor(launch_of(message), fds[0], nursery).run()
        code = 0
    except OSError as error:
        code = error.errno or code
    finally:
        os._exit(code)


def main() -> None:
    """`python -m ezrec.statemachine.nursery FD`"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
