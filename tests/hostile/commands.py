"""Commands of the command line, said in this process: the real group, through its one error boundary."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ezrec.cli.boundary import guarded
from ezrec.cli.group import ezrec

#: every command that is told a recording, with what it takes besides
TAKE_REC = (
    ("status",),
    ("status", "--json"),
    ("why",),
    ("history",),
    ("history", "--json"),
    ("logs",),
    ("hold",),
    ("release",),
    ("retry",),
    ("stop",),
    ("new",),
    ("push",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """A stream that says that a person sits before it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode("utf-8", "surrogateescape")


def say(monkeypatch: pytest.MonkeyPatch, root: Path, *words: str) -> Said:
    """`ezrec --root ROOT WORDS…`, as on a terminal. What it raises but its exit is a fault."""
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "argv", ["ezrec", "--root", str(root), *words])
    code: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            guarded(ezrec)
        except SystemExit as ended:
            code = ended.code
    return Said(code=int(code or 0), out=out.text(), err=err.text())


def with_recording(command: tuple[str, ...], recording: str) -> tuple[str, ...]:
    """The words that name this recording; a name is never taken for an option."""
    after = ("recorded",) if command == ("push",) else ()
    return (*command, "--", recording, *after)


def drives_a_terminal(text: str) -> str:
    """The first character of `text` that a terminal would act on; empty where there is none.

    The colours of our own table are allowed: they are all that we print on purpose.
    """
    for code in ("\x1b[0m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m"):
        text = text.replace(code, "")
    bad = (char for char in text if not char.isprintable() and char not in "\n\t")
    return next(bad, "")
