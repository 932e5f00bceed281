"""What is said of a setting that is wrong: what somebody wrote, shown; what they meant, guessed. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

SHOWN = 60


class Problem(NamedTuple):
    """One fault, in one sentence: `ezrec.yaml:12: merge.layout: "up" is not one of …`."""

    source: str
    sentence: str
    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        source = visible(self.source)
        place = f"{source}:{self.line}" if self.line else source
        return ": ".join(part for part in (place, visible(self.name), self.sentence) if part)


def visible(text: str, most: int = SHOWN) -> str:
    """At most `most` characters, none of them able to drive a terminal."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


def quoted(text: str) -> str:
    return f'"{visible(text)}"'


def nearest(word: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """The one that was probably meant, or nothing."""
    import difflib

    near = difflib.get_close_matches(word[:SHOWN].lower(), list(known), n=1, cutoff=cutoff)
    return near[0] if near else ""


def guess(word: str, known: Iterable[str], before: str = "") -> str:
    """` (did you mean x?)`, or nothing when nothing is near; `before` goes before the x."""
    near = nearest(word, known)
    return f" (did you mean {before}{near}?)" if near else ""
