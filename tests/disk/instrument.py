"""Cutting off, failing and recording every call that ezrec makes on the disk, in all of its processes.

`Instrument.python` stands in the place of the interpreter: it adds an audit hook and then runs what it
was asked to run. The daemon that is started with it takes it for `sys.executable`, so the nursery, the
supervisors that are forked from it, and the Python hooks have the audit hook too. What the hook does is
said in a plan; calls are counted over all processes of a role, in the order in which they are made.
"""

from __future__ import annotations

import fcntl
import json
import os
import runpy
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ezrec.statemachine.calls import EVENT
from tests.disk.points import Aims, Point
from tests.disk.recorder import Recorder

if TYPE_CHECKING:
    from tests.disk.aiming import Aim

REPOSITORY = Path(__file__).resolve().parents[2]
#: the daemon (and any command), the process that forks supervisors, a supervisor, a Python hook
ROLES = ("daemon", "nursery", "supervisor", "hook")
#: calls that change nothing: a process killed before one of them has left the disk as before the next
READS = frozenset({"open", "read_at", "names", "names_below", "status", "lock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do. `kill` and `fail` act at the calls from number `first` to `last` (counted from 1) of
    one role, `kill` once at most; `fail` raises `errno`. `calls` restricts that to some calls by name.
    `record` writes down what is done to the disk below `watched` (see `tests/disk/recorder.py`).
    `points` acts at the points that were aimed at (`Instrument.aim`).
    """

    do: str = "trace"
    role: str = ""
    first: int = 0
    last: int = 0
    errno: int = 0
    calls: tuple[str, ...] = ()
    watched: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One announced call: its number in its role; `path` is the file or directory that `fd` is. `stage`
    is what a hook does."""

    role: str
    number: int
    pid: int
    call: str
    path: str
    arguments: tuple[str, ...]
    stage: str = ""


class Instrument:
    """The instrumented interpreter of one test, with its plan and its trace in the directory `home`."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        self.python = home / "python"
        self.python.write_text(
            f"#!{sys.executable}\n"
            f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
            f"from tests.disk.instrument import main\n"
            f"main({str(home)!r}, sys.argv[1:])\n"
        )
        self.python.chmod(0o755)
        self.arm(Plan())

    def arm(self, plan: Plan) -> None:
        """From the next call on, in processes that start from now on; all counts begin anew."""
        for old in self.home.glob("count-*"):
            old.unlink()
        for name in ("trace", "fired", "once"):
            (self.home / name).unlink(missing_ok=True)
        (self.home / "plan").write_text(json.dumps(asdict(plan)))

    def aim(self, points: list[Point]) -> Aims:
        """Cut off or fail the calls of these points, in processes that start from now on."""
        self.arm(Plan(do="points"))
        aims = Aims(self.home)
        aims.set(points)
        return aims

    def disarm(self) -> None:
        """Processes that start from now on are left alone."""
        (self.home / "plan").write_text(json.dumps(asdict(Plan(do="nothing"))))

    @property
    def fired(self) -> list[Traced]:
        """The calls that were cut off or failed."""
        return _traced(self.home / "fired")

    @property
    def trace(self) -> list[Traced]:
        """Every call in order; of each role, in the order of its numbers."""
        return _traced(self.home / "trace")


def _traced(path: Path) -> list[Traced]:
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [Traced(**{**row, "arguments": tuple(row["arguments"])}) for row in rows]


class _Hook:
    """The audit hook of one process. Plain os calls only: it must not meet itself."""

    def __init__(self, home: str, role: str) -> None:
        self.home, self.role = home, role
        with open(f"{home}/plan", encoding="utf-8") as text:  # noqa: PTH123  # cheap, and early
            self.plan = Plan(**json.load(text))
        self.recorder = Recorder(home, self.plan.watched)
        self.aim = _aim(home) if self.plan.do == "points" else None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != EVENT or self.plan.do == "nothing":
            return
        if self.aim is not None:
            self.aim.meet(self._told(0, arguments))
            return
        plan = self.plan
        if plan.do == "record":
            self.recorder.before(self.role, arguments[0], arguments[1], arguments[2:])
            return
        mine = self.role == plan.role and (not plan.calls or arguments[0] in plan.calls)
        if plan.do == "trace":
            self._write("trace", self._told(self._count(), arguments))
        elif mine and plan.first <= (number := self._count()) <= plan.last:
            self._act(self._told(number, arguments))

    def _act(self, told: Traced) -> None:
        if self.plan.do == "fail":
            self._write("fired", told)
            raise OSError(self.plan.errno, os.strerror(self.plan.errno), told.path)
        try:
            os.close(os.open(f"{self.home}/once", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
        self._write("fired", told)
        os.kill(os.getpid(), signal.SIGKILL)

    def _told(self, number: int, arguments: tuple[Any, ...]) -> Traced:
        call, fd, *rest = arguments
        return Traced(
            role=self.role,
            number=number,
            pid=os.getpid(),
            call=call,
            path=os.readlink(f"/proc/self/fd/{fd}") if isinstance(fd, int) else "",
            arguments=tuple(each if isinstance(each, str) else repr(each)[:200] for each in rest),
            stage=os.environ.get("EZREC_STAGE", "") if self.role == "hook" else "",
        )

    def _count(self) -> int:
        with _locked(f"{self.home}/count-{self.role}") as fd:
            number = int(os.pread(fd, 20, 0) or b"0") + 1
            os.pwrite(fd, b"%d" % number, 0)
        return number

    def _write(self, name: str, told: Traced) -> None:
        with _locked(f"{self.home}/{name}") as fd:
            os.lseek(fd, 0, os.SEEK_END)
            os.write(fd, json.dumps(asdict(told)).encode() + b"\n")

    def in_child(self) -> None:
        """The nursery's children are supervisors."""
        if self.role == "nursery":
            self.role = "supervisor"


def _aim(home: str) -> Aim:
    from tests.disk.aiming import Aim

    return Aim(home)


@contextmanager
def _locked(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def main(home: str, argv: list[str]) -> None:
    """What the interpreter would do with `[-I] -m MODULE …` or `[-I] FILE …`, with the hook in it."""
    words = [word for word in argv if word != "-I"] if "-I" in argv[:1] else argv
    sys.executable = f"{home}/python"
    hook = _Hook(home, _role(words))
    os.register_at_fork(after_in_child=hook.in_child)
    sys.addaudithook(hook)
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def _role(words: list[str]) -> str:
    if words[0] == "-m" and words[1].endswith(".nursery"):
        return "nursery"
    return "daemon" if Path(words[0]).name == "ezrec" else "hook"
