"""Which executable serves a stage or an event, where it was found, and what is wrong with it."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ezrec.statemachine.digest import digest
from ezrec.statemachine.names import quote

_SUFFIXES = ("", ".py", ".sh")


class Hook(NamedTuple):
    """One executable. `problem` is a sentence with the mend, or empty."""

    path: Path
    problem: str

    def command(self) -> tuple[str, ...]:
        """The argv: Python hooks run with this interpreter, isolated from what lies beside them."""
        if self.path.suffix == ".py":
            return (sys.executable, "-I", str(self.path))
        return (str(self.path),)


class HookPath:
    """Directories searched in order: the site's first, the program's own last."""

    def __init__(self, directories: tuple[Path, ...]) -> None:
        self.directories = directories

    def find(self, name: str) -> tuple[Hook, ...]:
        """The hook called `name` and then `name.d/*` in name order; empty where there is none."""
        return (*self._first(name), *self._extra(name))

    def _first(self, name: str) -> Iterator[Hook]:
        for directory in self.directories:
            for suffix in _SUFFIXES:
                path = f"{directory}/{name}{suffix}"
                if _may_be_one(path):
                    yield _hook(path)
                    return

    def _extra(self, name: str) -> Iterator[Hook]:
        for directory in self.directories:
            beside = f"{directory}/{name}.d"
            for each in sorted(_listed(beside)):
                path = f"{beside}/{each}"
                if not each.startswith(".") and not each.endswith("~") and _may_be_one(path):
                    yield _hook(path)

    def problem(self, name: str) -> str:
        """Why the stage `name` can't run: its first faulty hook, or that there is none."""
        found = self.find(name)
        if not found:
            first = self.directories[0] if self.directories else Path("hooks")
            return f"no hook serves {name!r}: put an executable called {name} into {first}"
        return next((hook.problem for hook in found if hook.problem), "")

    def fingerprint(self, name: str) -> str:
        """Changes when a hook of this name is put, mended or taken away."""
        return digest((str(hook.path), _stamp(hook.path)) for hook in self.find(name))


def _hook(path: str) -> Hook:
    return Hook(Path(path), problem_of(Path(path)))


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _may_be_one(path: str) -> bool:
    """A file, or a link: where it leads nowhere, that is said."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def problem_of(path: Path) -> str:
    """What would keep this file from being run, with the command that mends it."""
    try:
        first = _first_line(path)
    except OSError as error:
        return f"{path} can't be read: {error.strerror}"
    if path.suffix == ".py":
        return ""
    if not os.access(path, os.X_OK):
        return f"{path} is not executable: chmod +x {quote(str(path))}"
    if first.startswith(b"#!") and first.endswith(b"\r\n"):
        return f"{path} has Windows line ends: sed -i 's/\\r$//' {quote(str(path))}"
    if first.startswith(b"#!"):
        return _interpreter_problem(path, first)
    if not first.startswith(b"\x7fELF"):
        return f"{path} has no first line that names its interpreter: begin it with #!/bin/sh"
    return ""


def _first_line(path: Path) -> bytes:
    """Opened without waiting: behind a link there may be a FIFO."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(fd, 256).partition(b"\n")[0] + b"\n"
    finally:
        os.close(fd)


def _interpreter_problem(path: Path, first: bytes) -> str:
    words = os.fsdecode(first[2:]).split()
    if not words or not Path(words[0]).is_file():
        return f"{path}: its interpreter {words[0] if words else ''!r} is not there"
    return ""


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, stat.S_IMODE(status.st_mode))
