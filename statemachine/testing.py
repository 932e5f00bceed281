"""Test doubles for integrators: a clock that is set by hand, a watcher that reports what it is told to,
a runner that ends runs as scripted. They ship with the library and keep its protocols.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from ezrec.statemachine import files, journal
from ezrec.statemachine.runner import OnEnd
from ezrec.statemachine.runs import PROGRESS, STATUS, Launch, Progress, RunResult, result_bytes
from ezrec.statemachine.watcher import Hint


class FakeClock:
    """A Clock that stands still until it is moved. `reboot` begins a new boot at second 0."""

    def __init__(self, wall: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._seconds = 1000.0
        self._boots = 1
        self._wall = wall

    def seconds(self) -> float:
        """Seconds since the boot."""
        return self._seconds

    def boot(self) -> str:
        """The id of this boot."""
        return f"boot-{self._boots}"

    def wall(self) -> datetime:
        """The wall clock, which `advance` moves too."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds
        self._wall += timedelta(seconds=seconds)

    def set_wall(self, wall: datetime) -> None:
        """Let the wall clock jump; nothing else moves."""
        self._wall = wall

    def reboot(self) -> None:
        """A new boot: a new id, and the seconds begin again."""
        self._boots += 1
        self._seconds = 0.0


class ScriptedWatcher:
    """A Watcher that hints what a test tells it to, and sees as long as `sees` is True."""

    def __init__(self, sees: bool = True) -> None:
        self.sees = sees
        self.running = False
        self._hint: Hint = lambda _recording: None

    def start(self, hint: Hint) -> None:
        """From now on `change` is heard."""
        self._hint = hint
        self.running = True

    def stop(self) -> None:
        """From now on nothing is."""
        self._hint = lambda _recording: None
        self.running = False

    def check(self) -> bool:
        """Whether the canary would come back."""
        return self.sees

    def follow(self, recording: str, needed: bool) -> bool:
        """All are followed."""
        return self.sees

    def spare(self, recording: str) -> None:
        """All are."""

    def change(self, recording: str | None) -> None:
        """Report that this recording (None: any) may have changed."""
        self._hint(recording)


#: how a run is to end: at once with this exit code and these outputs, or None: when `finish` says so
Script = Callable[[Launch], tuple[int, Mapping[str, bytes]] | None]


def succeed(launch: Launch) -> tuple[int, Mapping[str, bytes]] | None:
    """A Script in which every run ends at once with 0 and writes nothing."""
    return 0, {}


class ScriptedRunner:
    """A Runner that starts no process. It holds the lease of each run until that is ended."""

    def __init__(self, script: Script = succeed) -> None:
        self.on_end: OnEnd = lambda _run, _code: None
        self.script = script
        self.launches: list[Launch] = []
        self._held: dict[str, int] = {}

    def start(self, launch: Launch, fd: int) -> None:
        """Take the lease over; end the run where the script says how."""
        self.launches.append(launch)
        if launch.status:
            _write_progress(fd, launch)
        self._held[launch.run] = os.dup(fd)
        ending = self.script(launch)
        if ending is not None:
            self.finish(launch.run, *ending)

    def running(self) -> list[str]:
        """The ids of the runs that have not ended."""
        return list(self._held)

    def finish(self, run: str, code: int = 0, outputs: Mapping[str, bytes] | None = None) -> None:
        """End a run as its supervisor would: outputs, then its status, then the lease."""
        fd = self._held.pop(run)
        launch = next(each for each in self.launches if each.run == run)
        for name, data in (outputs or {}).items():
            files.replace(fd, name, data)
        if launch.status:
            result = RunResult(run=run, exit=code, command=launch.commands[0][-1])
            _write_status(fd, result)
        self._let_go(run, fd)

    def kill(self, run: str) -> None:
        """Let the supervisor of a run die: the lease comes free, no status is left."""
        self._let_go(run, self._held.pop(run))

    def close(self) -> None:
        """Let go of every lease."""
        for run in self.running():
            os.close(self._held.pop(run))

    def _let_go(self, run: str, fd: int) -> None:
        files.unlock(fd)
        os.close(fd)
        self.on_end(run, 0)


def _write_progress(fd: int, launch: Launch) -> None:
    """As a supervisor tells of its hook; no process is named."""
    progress = Progress(run=launch.run, supervisor=0, started=0, begun=True, hook=1)
    files.make_directory(fd, journal.DIRECTORY)
    with files.directory(journal.DIRECTORY, fd) as logs:
        files.replace(logs, PROGRESS, json.dumps(progress._asdict()).encode())


def _write_status(fd: int, result: RunResult) -> None:
    files.make_directory(fd, journal.DIRECTORY)
    with files.directory(journal.DIRECTORY, fd) as logs:
        files.replace(logs, STATUS + result.run, result_bytes(result))
