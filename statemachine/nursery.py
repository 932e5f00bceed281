"""The parent of all supervisors: a small process, started once, that forks one for each run.

It is asked over a socket (`length, JSON`, with the leased directory's descriptor attached) and answers
each request with the pid; when a supervisor has ended it says so. It ends with the daemon; supervisors
do not.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from ezrec.statemachine.runs import Launch
from ezrec.statemachine.supervisor import Supervisor

_LENGTH = struct.Struct("!I")


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


class Nursery:
    """The loop: requests in, pids and ends out."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._runs: dict[int, str] = {}

    def serve(self) -> None:
        """Until the other side is closed."""
        wake, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        poller.register(self._sock, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poller.poll()]
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
        launch = launch_of(message)
        pid = os.fork()
        if pid == 0:
            self._supervise(launch, fds[0])
        os.close(fds[0])
        self._runs[pid] = launch.run
        send(self._sock, {"started": launch.run, "pid": pid})
        return True

    def _supervise(self, launch: Launch, fd: int) -> None:
        """In the child: never returns."""
        code = 255
        try:
            os.setsid()
            self._sock.close()
            Supervisor(launch, fd).run()
            code = 0
        except OSError as error:
            code = error.errno or code
        finally:
            os._exit(code)

    def _tell_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            run = self._runs.pop(pid, None)
            if run:
                send(self._sock, {"ended": run, "code": os.waitstatus_to_exitcode(status)})


def main() -> None:
    """`python -m ezrec.statemachine.nursery FD`"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)


if __name__ == "__main__":
    main()
