"""Who may start: limits count what runs elsewhere, urgent work sends the rest to idle priority."""

from __future__ import annotations

from ezrec.statemachine.declaration import Stage
from ezrec.statemachine.roster import Roster

MERGE = Stage(
    name="merge", source="a", working="merging", ok="b", exhausted="e", refused="e", limit=1
)
CAPTURE = MERGE._replace(name="capture", working="capturing", priority=0, urgent=True)


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
    roster.started("two", CAPTURE)
    assert roster.yielding(CAPTURE) == ["one"]
    assert roster.yielding(MERGE) == []
    assert roster.admit("three", MERGE._replace(limit=2)) == (True, True)


def test_a_place_is_offered_to_as_many_as_there_is_room_for() -> None:
    """In the order of their coming: a thousand that wait are not all looked at when one has ended."""
    roster = Roster()
    two = MERGE._replace(limit=2)
    for name in ("one", "two"):
        roster.started(name, two)
    for name in ("three", "four", "five"):
        roster.waits(name, two)
    assert roster.ended("one") == ["three"]
    assert roster.ended("two") == ["three", "four"]


def test_an_offer_that_is_not_taken_goes_to_the_next() -> None:
    """The first in line was put on hold, or is gone: the place does not stay empty."""
    roster = Roster()
    roster.started("one", MERGE)
    roster.waits("two", MERGE)
    roster.waits("three", MERGE)
    assert roster.ended("one") == ["two"]
    assert roster.ended("two") == ["three"]


def test_who_is_looked_at_while_it_waits_keeps_its_place() -> None:
    """Some event had it looked at: there still is no room, and it still is the first."""
    roster = Roster()
    roster.started("one", MERGE)
    roster.waits("two", MERGE)
    roster.waits("three", MERGE)
    assert roster.waits("two", MERGE) == []
    assert roster.ended("one") == ["two"]


def test_one_that_waits_after_its_own_run_gives_its_place_up() -> None:
    """A run of another stage of the same recording has ended: who waits for that is offered it."""
    roster = Roster()
    roster.started("one", CAPTURE)
    roster.started("two", MERGE)
    roster.waits("three", CAPTURE)
    assert roster.waits("one", MERGE) == ["three"]


def test_one_that_goes_on_to_another_stage_gives_its_place_up() -> None:
    """Merged, and its upload has begun in the same breath: the next merge does not wait for that."""
    roster = Roster()
    roster.started("one", MERGE)
    roster.waits("two", MERGE)
    assert roster.started("one", MERGE._replace(name="upload")) == ["two"]
    assert roster.started("one", MERGE._replace(name="upload")) == []
