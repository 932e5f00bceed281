"""What was given, before it is understood: text, lists and mappings with their lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ezrec.config.problem import Problem

#: how deep a document may be nested, and what stands for nothing in it
DEEPEST = 16
NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One value as it was written. `line` counts from 1; 0 where there are no lines."""

    text: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A key with nothing behind it (or `null`): the same as leaving the key out."""

    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping, with the line of the key."""

    key: str
    node: Node
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, in the order of the file."""

    entries: tuple[Entry, ...]
    line: int = 0


Node = Text | Blank | Items | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value for `key`, where it was found, and how the finder calls it.

    Relative paths in it count from `base`. `in_file`: it stands in `ezrec.yaml`.
    `fault`: why its source can't read it, which matters only if it wins.
    """

    key: tuple[str, ...]
    name: str
    node: Node
    source: str
    base: Path
    line: int = 0
    in_file: bool = False
    fault: str = ""

    def problem(self, sentence: str, *, line: int = 0, below: str = "") -> Problem:
        """`below` is what follows the name: `[1].id`."""
        return Problem(
            source=self.source,
            sentence=sentence,
            name=self.name + below,
            line=line or self.line or self.node.line,
        )
