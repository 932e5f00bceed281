"""The lines of a `.env` file. Pure. What is no assignment is passed over: the file is shared."""

from __future__ import annotations

import re
from dataclasses import dataclass

# compiled when they are used: most stations have no such file
ASSIGNMENT = r"(?s)\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=(.*)"
COMMENT = r"(?s)(?:^|\s)\s*#.*"
QUOTED = {'"': r'(?s)"((?:[^"\\]|\\.)*)"(.*)', "'": r"(?s)'([^']*)'(.*)"}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One assignment; `fault` says why its value can't be read."""

    name: str
    value: str
    line: int
    fault: str = ""


def variables(text: str) -> dict[str, Variable]:
    """By name; of two lines that set one name the later counts, as in a shell."""
    found: dict[str, Variable] = {}
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if assignment := re.fullmatch(ASSIGNMENT, line):
            found[assignment[1]] = _variable(assignment[1], assignment[2], number)
    return found


def without_comment(value: str) -> str:
    """`1280x720  # HD` -> `1280x720`. A `#` counts at the start and after a blank."""
    return re.sub(COMMENT, "", value, count=1).strip()


def _variable(name: str, written: str, line: int) -> Variable:
    mark = written.strip()[:1]
    if mark not in QUOTED:
        return Variable(name=name, value=without_comment(written), line=line)
    match = re.fullmatch(QUOTED[mark], written.strip())
    if not match or without_comment(match[2]):
        fault = "the quotes around the value do not match"
        return Variable(name=name, value="", line=line, fault=fault)
    value = _unescaped(match[1]) if mark == '"' else match[1]
    return Variable(name=name, value=value, line=line)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)
