"""Text for people's terminals. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str, kept: str = "") -> str:
    """Text that can't move a terminal's cursor: control characters but the `kept` are shown as escapes."""
    return "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in text)


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
