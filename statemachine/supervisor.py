"""The supervisor: holds the lease of one recording and minds one hook, whatever becomes of the daemon.

It starts the hook in a process group of its own, is the subreaper of all that the hook leaves behind,
drains and caps the output, enforces the limit, ends what is left when the hook's main process has
ended, writes the end under the run's id by rename, unlocks, and goes.

SIGTERM: end the hook (TERM, a grace period, KILL). SIGUSR1: go on at idle priority.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import time
from dataclasses import asdict
from types import FrameType

from ezrec.statemachine import files, journal, priority, processes
from ezrec.statemachine.runs import PROGRESS, STATUS, Launch, Progress, RunResult, result_bytes
from ezrec.statemachine.sink import Sink
from ezrec.statemachine.spawn import become_subreaper, spawn

_RESERVED = 8192
_LOG_LIMIT = 32 << 20
_PATIENCE = 5.0
_PROGRESS_EVERY = 0.2


class Supervisor:
    """One run, in the recording whose open and locked directory is `fd`."""

    def __init__(self, launch: Launch, fd: int) -> None:
        self._launch = launch
        self._fd = fd
        self._began = time.monotonic()
        self._told_to_stop = False
        self._make_idle = launch.idle
        self._ended_by = "itself"
        self._kill_at: float | None = None
        self._progress = Progress(
            run=launch.run, supervisor=os.getpid(), started=processes.start_time(os.getpid())
        )
        self._told_at = 0.0
        self._percent: float | None = None

    def run(self) -> RunResult:
        """Mind the commands one after the other until one does not end with 0."""
        become_subreaper()
        self._wake = _install_signals(self._on_term, self._on_idle)
        os.fchdir(self._fd)
        files.make_directory(self._fd, journal.DIRECTORY)
        with files.directory(journal.DIRECTORY, self._fd) as logs:
            self._reserve(logs)
            result = self._run_all(logs)
            self._report(logs, result)
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        return result

    def _run_all(self, logs: int) -> RunResult:
        log = _open_log(logs, self._launch)
        sink = Sink(log, self._launch.cap, self._on_percent)
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

    def _mind(self, command: tuple[str, ...], sink: Sink) -> int:
        """The exit status of one command, negative where a signal ended it."""
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writer, True)
        pid = spawn(command, self._launch.environment, self._launch.document.encode(), writer)
        os.close(writer)
        self._tell(hook=pid)
        code = self._wait(pid, reader, sink)
        self._survivors = _end_all_children()
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
            code = _reap(pid)
            if code is not None:
                return code
            self._tell_percent()
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
                _signal_group(pid, number)
        elif self._kill_at is not None and now > self._kill_at:
            _signal_group(pid, signal.SIGKILL)
            for each in processes.descendants(os.getpid()):
                processes.kill(each)

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True

    def _on_idle(self, _number: int, _frame: FrameType | None) -> None:
        self._make_idle = True

    def _on_percent(self, percent: float) -> None:
        self._percent = percent
        self._tell_percent()

    def _tell_percent(self) -> None:
        """At most five times a second; the last one is told late rather than never."""
        new = self._percent is not None and self._percent != self._progress.percent
        if new and time.monotonic() >= self._told_at + _PROGRESS_EVERY:
            self._tell(percent=self._percent)

    def _tell(self, **changed: int | float | None) -> None:
        """Write the progress in place, padded to one size, so that no rename wakes the watchers."""
        self._told_at = time.monotonic()
        self._progress = Progress(**{**asdict(self._progress), **changed})
        data = json.dumps(asdict(self._progress)).encode().ljust(1024)
        flags = os.O_WRONLY | os.O_CREAT
        try:
            with (
                files.directory(journal.DIRECTORY, self._fd) as logs,
                files.open_plain(logs, PROGRESS, flags) as fd,
            ):
                os.pwrite(fd, data, 0)
        except OSError:
            return  # a full disk: nobody needs it but people

    def _reserve(self, logs: int) -> None:
        """Room for the end of this run, so that a disk that fills up meanwhile can't lose it."""
        if not self._launch.status:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with files.open_plain(logs, STATUS + self._launch.run + ".partial", flags) as fd:
            files.write_all(fd, b" " * _RESERVED)
            files.sync(fd)

    def _report(self, logs: int, result: RunResult) -> None:
        if not self._launch.status:
            return
        name = STATUS + self._launch.run
        with files.open_plain(logs, name + ".partial", os.O_WRONLY) as fd:
            files.write_all(fd, result_bytes(result).ljust(_RESERVED))
            files.sync(fd)
        os.rename(name + ".partial", name, src_dir_fd=logs, dst_dir_fd=logs)
        files.sync(logs)

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


def _open_log(logs: int, launch: Launch) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        fd = os.open(launch.log, flags, 0o644, dir_fd=logs)
        if files.is_plain(os.fstat(fd)):
            if os.fstat(fd).st_size > _LOG_LIMIT:
                os.rename(launch.log, launch.log + ".1", src_dir_fd=logs, dst_dir_fd=logs)
                os.close(fd)
                fd = os.open(launch.log, flags, 0o644, dir_fd=logs)
            os.write(fd, f"--- {launch.title}\n".encode())
            return fd
        os.close(fd)
    except OSError:
        pass  # a link, a FIFO, a full disk: the output is lost, the hook is not
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


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


def _reap(pid: int) -> int | None:
    """Collect every child that has ended; the exit code of `pid` if it was among them."""
    code = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if ended == 0:
            return code
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)


def _end_all_children() -> list[int]:
    """KILL whatever is left below this process; those that did not end in 5 s."""
    deadline = time.monotonic() + _PATIENCE
    while left := processes.descendants(os.getpid()):
        for pid in left:
            processes.kill(pid)
        _reap(-1)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.002)
    _reap(-1)
    return []


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or it has left its group: its descendants are found by descent
