"""Whether a directory stands still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine.settling import Settling


def test_it_is_quiet_when_nothing_changed_for_the_time() -> None:
    """The time is counted from the first look that saw this content."""
    settling = Settling(5.0)
    assert [settling.seen("r", "a", now) for now in (100.0, 102.0, 105.0, 110.0)] == [
        5.0,
        3.0,
        0.0,
        0.0,
    ]


def test_a_change_begins_anew() -> None:
    """One byte more, and the time starts again."""
    settling = Settling(5.0)
    settling.seen("r", "a", 100.0)
    assert settling.seen("r", "b", 104.9) == 5.0
    assert settling.seen("r", "b", 109.0) > 0
    assert settling.seen("r", "b", 110.0) == 0.0


def test_a_change_back_is_a_change() -> None:
    """What it looked like before the last look does not count."""
    settling = Settling(5.0)
    settling.seen("r", "a", 100.0)
    settling.seen("r", "b", 104.0)
    assert settling.seen("r", "a", 106.0) == 5.0


def test_each_recording_has_its_own_time() -> None:
    """A busy directory does not keep another waiting; a forgotten one is not waited for."""
    settling = Settling(5.0)
    settling.seen("r", "a", 100.0)
    settling.seen("s", "a", 104.0)
    assert settling.waiting() == 2
    assert settling.seen("r", "a", 105.0) == 0.0
    assert settling.seen("s", "a", 105.0) == 4.0
    settling.forget("s")
    settling.forget("never seen")
    assert settling.waiting() == 1
    assert settling.seen("s", "a", 106.0) == 5.0


def test_no_settling_time_is_quiet_at_once_on_the_second_look() -> None:
    """With 0 nothing is waited for."""
    settling = Settling(0.0)
    assert settling.seen("r", "a", 1.0) == 0.0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 10)), min_size=1))
def test_quiet_means_unchanged_for_so_long(looks: list[tuple[str, float]]) -> None:
    """Whatever the sequence of looks: 0 exactly when the content has been the same long enough."""
    settling, now, since, before = Settling(5.0), 0.0, 0.0, ""
    for content, later in looks:
        now += later
        if content != before:
            since, before = now, content
        assert (settling.seen("r", content, now) == 0.0) is (since + 5.0 - now <= 0)
