"""How long to wait before the next try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine.backoff import CAP, backoff

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 4), (10, 512), (11, 900), (12, 900), (10**9, 900)],
)
def test_it_doubles_up_to_the_cap(failures: int, seconds: float) -> None:
    """The first wait, doubled each time, 15 minutes at most; in the middle of the jitter."""
    assert backoff(SECOND, failures, 0.5) == timedelta(seconds=seconds)


@given(
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.integers(-5, 10**6),
    st.floats(0, 1, exclude_max=True),
)
def test_it_is_total_and_bounded(first: timedelta, failures: int, chance: float) -> None:
    """Any first wait, any count: within a quarter of the capped wait, never an overflow."""
    whole = backoff(first, failures, 0.5)
    assert timedelta(0) <= whole <= CAP
    assert 0.75 * whole <= backoff(first, failures, chance) <= 1.25 * whole
    assert backoff(first, failures, 0.5) <= backoff(first, failures + 1, 0.5)


def test_the_jitter_spreads() -> None:
    """Stations that failed together do not come back together."""
    assert backoff(SECOND, 1, 0.0) == 0.75 * SECOND
    assert backoff(SECOND, 1, 0.999) > 1.24 * SECOND
