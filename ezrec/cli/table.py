"""Columns of text, colours on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from ezrec.text import printable

_COLOURS = {
    "completed": "green",
    "recording": "cyan",
    "merging": "cyan",
    "uploading": "cyan",
    "failed": "red",
    "merge_failed": "red",
    "refused": "red",
    "unknown": "red",
}
_GAP = 2


def terminal_width() -> int:
    """Columns: what COLUMNS says, the terminal's, or 120."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 120
    except (OSError, ValueError):
        return 120


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Left-aligned columns; the last one is wrapped under itself at `width` characters. What the cells
    say came from anywhere: none of it can drive a terminal."""
    rows = [tuple(map(printable, row)) for row in rows]
    sizes = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head) - 1)]
    room = max(20, width - sum(sizes) - _GAP * len(sizes))
    lines = [_line(head, sizes)]
    for row in rows:
        first, *rest = _wrapped(row[-1], room)
        line = _line((*row[:-1], first), sizes)
        lines.append(click.style(line, fg=_COLOURS.get(row[1])) if row[1] in _COLOURS else line)
        lines.extend(_line((*("" for _ in sizes), text), sizes) for text in rest)
    return "\n".join(lines)


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    fixed = (cell.ljust(size + _GAP) for cell, size in zip(cells[:-1], sizes, strict=True))
    return ("".join(fixed) + cells[-1]).rstrip()


def _wrapped(text: str, room: int) -> list[str]:
    """Commands are to be copied: a word is never cut."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
