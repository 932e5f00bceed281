"""Read a text file that may be anything: the fault is one sentence, never a hang."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from ezrec.config.problem import Problem, visible

LARGEST = 1 << 20
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def read_text(file: Path) -> str | Problem:
    """The text of `file`: UTF-8 without control characters, at most 1 MiB."""
    try:
        content = _read(file)
    except OSError as error:
        reason = error.strerror or "it can't be read"
        return Problem(source=file.name, sentence=f"{visible(str(file), 200)}: {reason}")
    except ValueError as error:
        return Problem(source=file.name, sentence=str(error))
    return _decoded(file.name, content)


def read_dotenv(directory: Path | None) -> str | Problem | None:
    """`.env` in a directory; None where there is none."""
    if directory is None or not os.path.lexists(directory / ".env"):
        return None
    return read_text(directory / ".env")


def _read(file: Path) -> bytes:
    """Opened without waiting: a FIFO would let us wait for ever."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{visible(str(file), 200)} is not a regular file")
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST:
        raise ValueError("a file of more than 1 MiB is no configuration")
    return content


def _decoded(name: str, content: bytes) -> str | Problem:
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(source=name, line=line, sentence="this is not UTF-8 text")
    if text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
        return text  # compiling the expression takes longer than all else here
    if bad := re.search(_UNPRINTABLE, text):
        line = text.count("\n", 0, bad.start()) + 1
        sentence = f"the control character {bad[0]!a} is no text"
        return Problem(source=name, line=line, sentence=sentence)
    return text
