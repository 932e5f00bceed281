"""Who may start: limits count what runs elsewhere, urgent work sends the rest to idle priority."""

from __future__ import annotations

from dataclasses import replace

from ezrec.statemachine.declaration import Stage
from ezrec.statemachine.roster import Roster

MERGE = Stage(
    name="merge", source="a", working="merging", ok="b", exhausted="e", refused="e", limit=1
)
CAPTURE = replace(MERGE, name="capture", working="capturing", priority=0, urgent=True)


def test_a_limit_is_kept() -> None:
    """One merge runs: another has to wait, and is named when the first has ended."""
    roster = Roster()
    roster.started("one", MERGE)
    assert roster.admit("two", MERGE) == (False, False)
    roster.waits("two", MERGE)
    assert roster.ended("one") == ["two"]
    assert roster.admit("two", MERGE) == (True, False)


def test_a_recording_does_not_wait_for_itself() -> None:
    """Its run was ended by somebody else, a command perhaps: the next one starts at once."""
    roster = Roster()
    roster.started("one", MERGE)
    assert roster.admit("one", MERGE) == (True, False)


def test_what_is_urgent_makes_others_idle() -> None:
    """While a capture runs, a merge that starts or runs does so at idle priority."""
    roster = Roster()
    roster.started("one", MERGE)
    assert roster.started("two", CAPTURE) == ["one"]
    assert roster.admit("three", replace(MERGE, limit=2)) == (True, True)


def test_the_most_important_waits_in_front() -> None:
    """When a place comes free, the lower number is looked at first."""
    roster = Roster()
    roster.started("one", MERGE)
    roster.waits("two", MERGE)
    roster.waits("three", CAPTURE)
    assert roster.ended("one") == ["three", "two"]
