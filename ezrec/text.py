"""Text for people's terminals. Pure."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text that can't move a terminal's cursor: control characters are shown as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
