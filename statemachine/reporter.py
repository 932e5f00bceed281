"""What a supervisor leaves in `logs/`: the progress while the run goes on, its end, and its log."""

from __future__ import annotations

import json
import os
import time

from ezrec.statemachine import calls, files, processes
from ezrec.statemachine.runs import (
    PROGRESS,
    RESULT_ROOM,
    STATUS,
    Launch,
    Progress,
    RunResult,
    result_bytes,
)

_LOG_LIMIT = 32 << 20
_PROGRESS_EVERY = 0.2


class Reporter:
    """Writes for one run into the opened directory `logs`. A run without a status tells nothing."""

    def __init__(self, launch: Launch, logs: int, nursery: int) -> None:
        self._logs = logs
        self._launch = launch
        self._name = STATUS + launch.run
        pid = os.getpid()
        self._progress = Progress(
            run=launch.run,
            supervisor=pid,
            started=processes.start_time(pid),
            nursery=nursery,
            nursery_started=processes.start_time(nursery),
        )
        self._percent: float | None = None
        self._told_at = 0.0

    def reserve(self) -> None:
        """Room for the end of this run, so that a disk that fills up meanwhile can't lose it; and
        which process this is, so that a hook can't stop it before anybody knows."""
        self._tell()
        if self._launch.status:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with files.open_plain(self._logs, self._name + ".partial", flags) as fd:
                calls.allocate(fd, RESULT_ROOM)

    def report(self, result: RunResult) -> None:
        """The end of the run, whole when it appears, durable before the lease is given back."""
        if self._launch.status:
            partial = self._name + ".partial"
            with files.open_plain(self._logs, partial, os.O_WRONLY) as fd:
                files.write_all(fd, result_bytes(result).ljust(RESULT_ROOM))
                files.sync(fd)
            files.rename_over(self._logs, partial, self._name)

    def begin(self, begun: bool = True) -> None:
        """A hook is about to be started: told before it can end us, so that the attempt counts."""
        if self._progress.begun != begun:
            self._tell(begun=begun)

    def hook(self, pid: int) -> None:
        """The process that does the work now."""
        self._tell(hook=pid)

    def percent(self, percent: float) -> None:
        """How far the work is."""
        self._percent = percent
        self.catch_up()

    def catch_up(self) -> None:
        """Tell at most five times a second; the last one is told late rather than never."""
        new = self._percent is not None and self._percent != self._progress.percent
        if new and time.monotonic() >= self._told_at + _PROGRESS_EVERY:
            self._tell(percent=self._percent)

    def _tell(self, **changed: int | float | None) -> None:
        """Write the progress in place, padded to one size, so that no rename wakes the watchers."""
        self._told_at = time.monotonic()
        self._progress = Progress(**{**self._progress._asdict(), **changed})
        if not self._launch.status:
            return
        data = json.dumps(self._progress._asdict()).encode().ljust(1024)
        try:
            with files.open_plain(self._logs, PROGRESS, os.O_WRONLY | os.O_CREAT) as fd:
                calls.write_at(fd, data, 0)
        except OSError:
            return  # a full disk: nobody needs it but people


def open_log(logs: int, launch: Launch) -> int:
    """The log of this run, opened for appending; nowhere, where it can't be opened."""
    try:
        _rotate(logs, launch.log)
        with files.open_plain(logs, launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as log:
            files.write_all(log, f"--- {launch.title}\n".encode())
            return os.dup(log)
    except OSError:
        pass  # a link, a FIFO, a full disk: the output is lost, the hook is not
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _rotate(logs: int, name: str) -> None:
    try:
        size = calls.status(logs, name).st_size
    except FileNotFoundError:
        return
    if size > _LOG_LIMIT:
        calls.rename(logs, name, name + ".1")
