"""The ```console blocks of a page, run command by command in one shell session.

`python -m tests.console README.md` runs a page and writes its outputs anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
#: what makes a walk shorter and changes none of its outputs
QUICK = {"EZREC_SETTLE": "0.5", "EZREC_CAPTURE_SIZE": "320x240", "EZREC_CAPTURE_RATE": "10"}
HOME, CLONE = "/home/pi", "/home/pi/ezrec"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"
_SHOWN = ((r"ezrec-demo-\w{8}", "ezrec-demo-x7k2m9p4"),)
_VOLATILE = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+\d\d:\d\d)?", "TIME"),
    (r"\b[0-9a-f]{32}\b", "RUN"),
    (r"\b(pid|daemon|supervisor|hook) \d+", r"\1 N"),
    (r"\b\d+ (bytes|ms|s|min|h)\b", r"N \1"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, with the lines that continue it, and what the page says that it prints."""

    command: str
    output: str


def steps(page: str) -> list[Step]:
    """Every `$ ` line of every console block, in order."""
    return [step for block in _BLOCK.findall(page) for step in _steps(block)]


def _steps(block: str) -> Iterator[Step]:
    command: list[str] = []
    output: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield Step(command="\n".join(command), output="\n".join(output))
            command, output = [line[2:]], []
        elif line.startswith("> ") or line == ">":
            command.append(line[2:])
        else:
            output.append(line)
    if command:
        yield Step(command="\n".join(command), output="\n".join(output))


def run(commands: Iterable[str], place: Path, seconds: float = 110) -> list[str]:
    """What each command printed, in one bash that is started in `place`."""
    script = "".join(f"{_runnable(command)}\nprintf '{_MARK}'\n" for command in commands)
    outer = ("EZREC_", "MAKE", "MFLAGS", "ARGS")  # the make that runs the tests is not the reader's
    told = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
    told |= {"PATH": f"{BIN}:{told['PATH']}", "HOME": str(place), "COLUMNS": "100", **QUICK}
    temporary = place / "tmp"
    temporary.mkdir(exist_ok=True)
    told["TMPDIR"] = str(temporary)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env=told,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    return [shown(text, place) for text in done.stdout.decode().split(_MARK)[:-1]]


def _runnable(command: str) -> str:
    """`make` is told where the clone is, and that the environment stands."""
    ready = f"make -s -C '{REPOSITORY}' -o .venv/.ready BIN='{BIN}'"
    return re.sub(r"^make\b", lambda _: ready, command)


def shown(text: str, place: Path) -> str:
    """As the pages show it: for somebody who has cloned ezrec into their home directory."""
    text = (
        text.replace(str(place / "tmp"), "/tmp")
        .replace(str(place), HOME)
        .replace(str(REPOSITORY), CLONE)
    )
    for pattern, calm in _SHOWN:
        text = re.sub(pattern, calm, text)
    return "\n".join(line.rstrip() for line in text.rstrip("\n").splitlines())


def comparable(text: str) -> str:
    """Without what differs from run to run: times, ids, numbers of processes, lengths."""
    for pattern, calm in _VOLATILE:
        text = re.sub(pattern, calm, text)
    return re.sub(r"(?<=\S) {2,}", "  ", text).strip("\n")  # columns are as wide as real paths


def rewritten(page: str, place: Path) -> str:
    """The page with what its commands print now."""
    outputs = iter(run([step.command for step in steps(page)], place))

    def anew(match: re.Match[str]) -> str:
        lines = []
        for step in _steps(match[1]):
            lines.append("$ " + step.command.replace("\n", "\n> "))
            lines.extend(next(outputs).splitlines())
        return "```console\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(anew, page)


def main(names: list[str]) -> None:
    for name in names:
        path = Path(name)
        with tempfile.TemporaryDirectory() as place:
            path.write_text(rewritten(path.read_text("utf-8"), Path(place)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
