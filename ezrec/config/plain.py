"""The least of YAML, read at once: keys and plain values, one to a line, nested by indentation.

Most files hold nothing else, and to load a YAML library takes longer than `ezrec status` itself. Whatever
is more than that (quotes, lists, braces, a mistake) is not judged here: `document` reads it.
"""

from __future__ import annotations

import re

from ezrec.config.nodes import DEEPEST, NULLS, Blank, Entry, Node, Table, Text

_LINE = re.compile(
    r"( *)([A-Za-z_][A-Za-z0-9_.-]{0,63}):(?: +([A-Za-z0-9/.][A-Za-z0-9_./+%@=-]*(?: [A-Za-z0-9_./+%@=]+)*))?"
    r" *(?: #.*)?"
)
_STRANGE = frozenset("\t\r\x85\u2028\u2029\ufeff")
_MOST = 2_000

#: the indentation and the line of a key, its name, and the value behind it
_Line = tuple[int, int, str, str | None]


def parse_plain(text: str) -> Table | None:
    """The mapping that `text` holds, as `parse_document` has it; None where that is to read it."""
    lines = _lines(text)
    if lines is None:
        return None
    if not lines:
        return Table(entries=())
    try:
        table, after = _table(lines, 0, 0)
    except _NotPlain:
        return None
    return table if after == len(lines) else None


class _NotPlain(Exception):
    """More than this module reads."""


def _lines(text: str) -> list[_Line] | None:
    if not _STRANGE.isdisjoint(text):
        return None
    found: list[_Line] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip(" ") or line.lstrip(" ").startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or len(found) == _MOST:
            return None
        indent, key, value = match.groups()
        found.append((len(indent), number, key, value))
    return found


def _table(lines: list[_Line], at: int, depth: int) -> tuple[Table, int]:
    """The mapping that begins at `lines[at]`, and where the next thing begins."""
    indent, line, _, _ = lines[at]
    entries: dict[str, Entry] = {}
    while at < len(lines) and lines[at][0] == indent:
        _, number, key, value = lines[at]
        nested = at + 1 < len(lines) and lines[at + 1][0] > indent
        if key in entries or key in NULLS or depth >= DEEPEST - 1 or (nested and value is not None):
            raise _NotPlain
        node, at = _table(lines, at + 1, depth + 1) if nested else (_value(value, number), at + 1)
        entries[key] = Entry(key=key, node=node, line=number)
    if at < len(lines) and lines[at][0] > indent:
        raise _NotPlain
    return Table(entries=tuple(entries.values()), line=line), at


def _value(value: str | None, line: int) -> Node:
    return Blank(line=line) if value is None or value in NULLS else Text(text=value, line=line)
