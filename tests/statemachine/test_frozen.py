"""Frozen dataclasses without compiled methods behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from ezrec.statemachine.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """All that the packages use of it."""

    name: str
    count: int = 3
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Given by position, with a last word."""

    left: int
    right: int = 0

    def __post_init__(self) -> None:
        if self.left < 0:
            raise ValueError("negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer(Ours):
    """A field more."""

    last: str = "z"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The same, compiled."""

    name: str
    count: int = 3
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def test_fields_defaults_and_words_are_the_same() -> None:
    """Names, values, `asdict`, `replace` and the repr."""
    ours, theirs = Ours(name="a"), Theirs(name="a")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert dataclasses.asdict(dataclasses.replace(ours, count=4))["count"] == 4
    assert repr(ours).replace("Ours", "Theirs") == repr(theirs)
    assert dataclasses.asdict(Longer(name="a")) == {**dataclasses.asdict(theirs), "last": "z"}
    assert Ours(name="a").more is not ours.more


def test_equal_values_are_equal_and_one_key() -> None:
    """Of the same class only."""
    assert Pair(1, 2) == Pair(left=1, right=2) != Pair(1)
    assert len({Pair(1), Pair(1, 0), Pair(2)}) == 2
    assert Ours(name="a") != Longer(name="a")


def test_nothing_can_be_set_or_added() -> None:
    """Frozen, and without a dictionary."""
    pair = Pair(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.left = 2  # type: ignore[misc]  # the fault is the point
    with pytest.raises(dataclasses.FrozenInstanceError):
        del pair.left
    assert not hasattr(pair, "__dict__")


@pytest.mark.parametrize("told", [{}, {"name": "a", "other": 1}, {"count": 1}])
def test_what_is_missing_or_unknown_is_a_type_error(told: dict[str, Any]) -> None:
    """As for any function."""
    with pytest.raises(TypeError):
        Ours(**told)


def test_a_field_may_be_given_once() -> None:
    """Not by position and by name, not more than there are, not by position where a name is due."""
    for call in (lambda: Pair(1, left=2), lambda: Pair(1, 2, 3), lambda: Ours("a")):  # type: ignore[call-arg,misc]  # the fault is the point
        with pytest.raises(TypeError):
            call()


def test_the_last_word_is_said() -> None:
    """`__post_init__` sees the fields."""
    with pytest.raises(ValueError, match="negative"):
        Pair(-1)


def test_an_instance_can_be_copied_sent_and_matched() -> None:
    """Deep copies, pickles and patterns."""
    for again in (copy.deepcopy(Pair(1, 2)), pickle.loads(pickle.dumps(Pair(1, 2)))):
        assert again == Pair(1, 2)
    match Pair(1, 2):
        case Pair(left, right):
            assert (left, right) == (1, 2)
