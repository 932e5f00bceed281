"""How long to wait before the next try. Pure: the random number is a parameter."""

from __future__ import annotations

from datetime import timedelta

CAP = timedelta(minutes=15)


def backoff(first: timedelta, failures: int, chance: float, cap: timedelta = CAP) -> timedelta:
    """Exponential backoff with jitter: `first * 2**(failures-1)`, capped, times 0.75 to 1.25.

    `failures` counts from 1; `chance` is uniform in [0, 1) and spreads stations that failed together.
    """
    doublings = min(max(failures - 1, 0), 30)
    whole: timedelta = min(min(first, cap) * 2**doublings, cap)
    return whole * (0.75 + 0.5 * chance)
