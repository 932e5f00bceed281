"""The parent of all supervisors: a small process, started once, that forks one for each run.

It is asked over a socket (`length, JSON`, with the leased directory's descriptor attached) and answers
each request with the pid; when a supervisor has ended it says so. It ends with the daemon; supervisors
do not.

In a lull it forks the next supervisor ahead of time, which then waits for its launch: a fork, and the
first touch of every page after it, take as long as all else between a marker and its hook.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ezrec.statemachine.frozen import dataclass
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.spawn import become_subreaper
from ezrec.statemachine.supervisor import Supervisor

_LENGTH = struct.Struct("!I")
_LULL = 10  # milliseconds without a request


def send(sock: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """One message, with descriptors attached to its first byte."""
    body = json.dumps(message).encode()
    socket.send_fds(sock, [_LENGTH.pack(len(body))], list(fds))
    sock.sendall(body)


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and its descriptors; None at the end."""
    head, fds, _, _ = socket.recv_fds(sock, _LENGTH.size, 1)
    for fd in fds:
        os.set_inheritable(fd, False)
    if len(head) < _LENGTH.size:
        return None
    body = bytearray()
    (length,) = _LENGTH.unpack(head)
    while len(body) < length:
        part = sock.recv(length - len(body))
        if not part:
            return None
        body += part
    return json.loads(body), fds


def launch_of(message: dict[str, Any]) -> Launch:
    """A Launch as it came over the socket."""
    commands = tuple(tuple(command) for command in message.pop("commands"))
    return Launch(commands=commands, **message)


@dataclass(frozen=True, slots=True)
class Spare:
    """A supervisor that waits for its launch at the other end of `sock`."""

    pid: int
    sock: socket.socket


class Nursery:
    """The loop: requests in, pids and ends out."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._runs: dict[int, str] = {}
        self._spare: Spare | None = None

    def serve(self) -> None:
        """Until the other side is closed."""
        gc.freeze()  # a collection in a supervisor would copy every page that it shares
        wake, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        poller.register(self._sock, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poller.poll(None if self._spare else _LULL)]
            if not ready and self._spare is None:
                self._spare = self._fork_spare()
            if wake in ready:
                os.read(wake, 512)
            self._tell_ended()
            if self._sock.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        received = receive(self._sock)
        if received is None:
            return False
        message, fds = received
        run = message["run"]
        pid = self._hand_over(message, fds[0]) or self._fork(message, fds[0])
        os.close(fds[0])
        self._runs[pid] = run
        send(self._sock, {"started": run, "pid": pid})
        return True

    def _hand_over(self, message: dict[str, Any], fd: int) -> int:
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

    def _fork(self, message: dict[str, Any], fd: int) -> int:
        pid = os.fork()
        if pid == 0:
            self._sock.close()
            supervise(lambda: (message, [fd]))
        return pid

    def _fork_spare(self) -> Spare:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            self._sock.close()
            ours.close()
            supervise(lambda: receive(theirs))
        theirs.close()
        return Spare(pid, ours)

    def _tell_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare and self._spare.pid == pid:
                self._spare.sock.close()
                self._spare = None
            run = self._runs.pop(pid, None)
            if run:
                send(self._sock, {"ended": run, "code": os.waitstatus_to_exitcode(status)})


def supervise(await_launch: Callable[[], tuple[dict[str, Any], list[int]] | None]) -> NoReturn:
    """In the child of a fork: mind the run that `await_launch` gives, then end the process. A nursery
    that goes while it is waited for leaves nothing to do."""
    code = 255
    try:
        os.setsid()
        become_subreaper()
        received = await_launch()
        if received is not None:
            message, fds = received
            Supervisor(launch_of(message), fds[0]).run()
        code = 0
    except OSError as error:
        code = error.errno or code
    finally:
        os._exit(code)


def main() -> None:
    """`python -m ezrec.statemachine.nursery FD`"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)


if __name__ == "__main__":
    main()
