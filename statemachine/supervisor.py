"""The supervisor: holds the lease of one recording and minds one hook, whatever becomes of the daemon.

It starts the hook in a process group of its own, is the subreaper of all that the hook leaves behind,
drains and caps the output, enforces the limit, ends what is left when the hook's main process has
ended, writes the end under the run's id by rename, unlocks, and goes.

SIGTERM: end the hook (TERM, a grace period, KILL). SIGUSR1: go on at idle priority.
"""

from __future__ import annotations

import os
import select
import signal
import time
from types import FrameType

from ezrec.statemachine import children, files, journal, priority, processes
from ezrec.statemachine.reporter import Reporter, open_log
from ezrec.statemachine.runs import EX_TEMPFAIL, Launch, RunResult
from ezrec.statemachine.safekeeping import Safekeeping
from ezrec.statemachine.sink import Sink
from ezrec.statemachine.spawn import spawn

#: seconds until what outlived a KILL is killed once more: to look for it takes a walk through all of /proc
_KILL_AGAIN = 0.1


class Supervisor:
    """One run, in the recording whose open and locked directory is `fd`; `nursery` is who forked us."""

    def __init__(self, launch: Launch, fd: int, nursery: int) -> None:
        self._launch = launch
        self._fd = fd
        self._nursery = nursery
        self._began = time.monotonic()
        self._told_to_stop = False
        self._make_idle = launch.idle
        self._ended_by = "itself"
        self._kill_at: float | None = None

    def run(self) -> RunResult:
        """Mind the commands one after the other until one does not end with 0."""
        self._wake = _install_signals(self._on_term, self._on_idle)
        os.fchdir(self._fd)
        files.make_directory(self._fd, journal.DIRECTORY)
        with files.directory(journal.DIRECTORY, self._fd) as logs:
            self._reporter = Reporter(self._launch, logs, self._nursery)
            self._reporter.reserve()
            kept = Safekeeping(self._fd) if self._launch.status else None
            result = self._run_all(logs)
            self._reporter.report(self._brought_to_disk(kept, result))
        files.unlock(self._fd)
        return result

    def _run_all(self, logs: int) -> RunResult:
        log = open_log(logs, self._launch)
        sink = Sink(log, self._launch.cap, self._reporter.percent)
        code, last = 0, ""
        for command in self._launch.commands:
            code, last = self._mind(command, sink), command[-1]
            if code != 0 or self._ended_by != "itself":
                break
        sink.close()
        os.close(log)
        return RunResult(
            run=self._launch.run,
            exit=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            ended_by=self._ended_by,
            command=last,
            notes=tuple(sink.notes),
            survivors=tuple(self._survivors),
            seconds=round(time.monotonic() - self._began, 3),
        )

    def _brought_to_disk(self, kept: Safekeeping | None, result: RunResult) -> RunResult:
        """Where what the run has made can't be brought to the disk, it was not good, and is done over."""
        if kept is None:
            return result
        problem, notes = kept.keep()
        code = EX_TEMPFAIL if problem and result.exit == 0 else result.exit
        said = (*result.notes, *notes, *([problem] if problem else []))
        return result._replace(exit=code, notes=said)

    def _mind(self, command: tuple[str, ...], sink: Sink) -> int:
        """The exit status of one command, negative where a signal ended it."""
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writer, True)
        self._reporter.begin()
        try:
            pid = spawn(command, self._launch.environment, self._launch.document.encode(), writer)
        except OSError:
            self._reporter.begin(False)
            raise
        os.close(writer)
        self._reporter.hook(pid)
        code = self._wait(pid, reader, sink)
        self._survivors = children.end_all()
        _drain(reader, sink)
        os.close(reader)
        return code

    def _wait(self, pid: int, reader: int, sink: Sink) -> int:
        poller = select.poll()
        poller.register(reader, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while True:
            for fd, event in poller.poll(self._patience()):
                if fd == self._wake:
                    os.read(self._wake, 512)
                elif not _drain(reader, sink) and event & select.POLLHUP:
                    poller.unregister(reader)
            code = children.reap(pid)
            if code is not None:
                return code
            self._reporter.catch_up()
            self._enforce(pid)

    def _patience(self) -> int:
        """Milliseconds until something has to be done."""
        due = self._began + self._launch.limit if self._kill_at is None else self._kill_at
        return max(1, min(1000, int(1000 * (due - time.monotonic()))))

    def _enforce(self, pid: int) -> None:
        now = time.monotonic()
        if self._make_idle:
            self._make_idle = False
            for _ in range(3):  # what is forked while the first ones are made idle is met again
                for each in (0, *processes.descendants(os.getpid())):
                    priority.make_idle(each)
        if self._kill_at is None and (self._told_to_stop or now > self._began + self._launch.limit):
            self._ended_by = "signal" if self._told_to_stop else "limit"
            self._kill_at = now + self._launch.grace
            for number in (signal.SIGTERM, signal.SIGCONT):
                children.signal_group(pid, number)
        elif self._kill_at is not None and now > self._kill_at:
            self._kill_at = now + _KILL_AGAIN
            children.signal_group(pid, signal.SIGKILL)
            for each in processes.descendants(os.getpid()):
                processes.kill(each)

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True

    def _on_idle(self, _number: int, _frame: FrameType | None) -> None:
        self._make_idle = True

    _survivors: list[int] = []  # noqa: RUF012  # replaced, never changed
    _wake: int = -1


def _install_signals(on_term: object, on_idle: object) -> int:
    """Signals wake the poll: the read end of the pipe that they write to."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, on_term)  # type: ignore[arg-type]  # a bound handler
    signal.signal(signal.SIGUSR1, on_idle)  # type: ignore[arg-type]  # a bound handler
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return reader


def _drain(reader: int, sink: Sink) -> bool:
    """Read what is there; whether there was anything."""
    some = False
    for _ in range(64):
        try:
            data = os.read(reader, 1 << 16)
        except BlockingIOError:
            break
        if not data:
            break
        sink.feed(data)
        some = True
    return some
