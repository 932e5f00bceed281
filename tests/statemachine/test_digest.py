"""The digest tells rows apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine.digest import digest

_ROWS = st.lists(st.tuples(st.binary(max_size=4), st.integers(0, 3)), max_size=4)


@given(first=_ROWS, second=_ROWS)
def test_it_is_equal_for_equal_rows_only(first: list[object], second: list[object]) -> None:
    """Over small differences, which are the likely ones: a byte, a size, an order."""
    assert (digest(first) == digest(second)) == (first == second)


def test_it_is_sixteen_digits_of_any_name() -> None:
    """Also of a name that is no text, and of nothing."""
    for rows in ([], ["\udcff"], [b"\xff", 1]):
        assert len(digest(rows)) == 16 and int(digest(rows), 16) >= 0
