"""A recording in which hooks are really run, by a real nursery and real supervisors."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ezrec.statemachine import files, processes, runs
from ezrec.statemachine.runner import ProcessRunner
from ezrec.statemachine.runs import Launch, Progress, RunResult
from tests.waiting import wait_until

#: a hook that goes on until there is a file `go`
WAITS = "while [ ! -e go ]; do sleep 0.02; done; echo done; exit 7"


@dataclass
class Minded:
    """One recording's directory. `ended` are the runs whose end the runner told, with their codes."""

    path: Path
    runner: ProcessRunner
    ended: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.mkdir(exist_ok=True)
        self.runner.on_end = self.ended.__setitem__

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The directory, opened anew: another opening than the leased one."""
        with files.directory(self.path) as fd:
            yield fd

    def start(self, launch: Launch) -> str:
        """Take the lease, hand it over, close our descriptor. The run's id."""
        with self.opened() as fd:
            assert files.try_lock(fd)
            self.runner.start(launch, fd)
        return launch.run

    def leased(self) -> bool:
        """Whether somebody holds the lease."""
        with self.opened() as fd:
            return not files.try_lock(fd)

    def result(self, run: str) -> RunResult | None:
        """What the supervisor wrote, if it has."""
        with self.opened() as fd:
            return runs.read_result(fd, run)

    def progress(self) -> Progress | None:
        """What the run tells of itself."""
        with self.opened() as fd:
            return runs.read_progress(fd)

    def supervisor(self, run: str) -> int:
        """The pid of the run's supervisor, once it has started its hook."""
        wait_until(lambda: (p := self.progress()) is not None and p.run == run and p.hook)
        progress = self.progress()
        assert progress is not None
        return progress.supervisor

    def run(self, launch: Launch, seconds: float = 20) -> RunResult:
        """Start, and wait until the runner has told the end and the lease is free."""
        run = self.start(launch)
        wait_until(lambda: run in self.ended, seconds)
        assert not self.leased()
        result = self.result(run)
        assert result is not None
        return result

    def log(self) -> str:
        """What the hooks have said, without the title."""
        return (self.path / "logs" / "x.log").read_text().partition("\n")[2]

    def launch(
        self,
        *commands: tuple[str, ...] | str,
        environment: Mapping[str, str] | None = None,
        document: str = "{}",
        limit: float = 30.0,
        grace: float = 5.0,
        cap: int = 8 << 20,
        idle: bool = False,
        status: bool = True,
    ) -> Launch:
        """A launch; a text is a script for sh."""
        run = runs.new_run_id()
        argvs = tuple(("/bin/sh", "-c", c) if isinstance(c, str) else c for c in commands)
        given = {"PATH": os.environ["PATH"], **(environment or {}), processes.RUN_VARIABLE: run}
        return Launch(
            run=run,
            commands=argvs,
            environment=given,
            document=document,
            log="x.log",
            title="a title",
            limit=limit,
            grace=grace,
            cap=cap,
            idle=idle,
            status=status,
        )


def nurseries() -> list[int]:
    """The processes that this one has started itself."""
    ours = str(os.getpid())
    return [pid for pid in processes.descendants(os.getpid()) if _parent(pid) == ours]


def _parent(pid: int) -> str:
    return (processes.stat_fields(pid) or ["", ""])[1]


def in_threads(count: int, work: object) -> None:
    """Call `work(number)` in so many threads at once."""
    assert callable(work)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def no_more_threads() -> Iterator[None]:
    """As where a limit on tasks is reached: the kernel refuses each new thread, here for want of room."""
    before = threading.stack_size(1 << 45)
    try:
        yield
    finally:
        threading.stack_size(before)
