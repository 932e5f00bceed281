"""What was measured, beside what it should be."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. `met` is None where there is no goal."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The figures of one part, and in a few sentences how they were come by."""

    title: str
    told: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """As a section of a page."""
        lines = [
            f"## {self.title}",
            "",
            self.told,
            "",
            "| what | figure | goal |",
            "| --- | --- | --- |",
        ]
        lines += [f"| {row.what} | {row.figure} | {_goal(row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def _goal(row: Row) -> str:
    missed = ", **missed**" if row.met is False else ""
    return row.goal + missed


def at_most(what: str, value: float, limit: float, words: str) -> Row:
    """A figure with an upper limit; `words` formats both, like `{:.1f} ms`."""
    return Row(
        what=what,
        figure=words.format(value),
        goal=f"at most {words.format(limit)}",
        met=value <= limit,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
