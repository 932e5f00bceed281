"""What is made of the answers of tests: by a workshop whose answers are given."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from tests.mutants.hunt import hunt
from tests.mutants.sites import Mutant
from tests.mutants.workshop import Workshop

MUTANT = Mutant(kind="fsync", path="ezrec/create.py", line=1, start=0, end=1, instead="", shown="")


class Answers:
    """A workshop in which the tests `broken` always fail, `noticing` while the mutant is in, and `once`
    the first time that it is in."""

    def __init__(self, broken: str = "", noticing: str = "", once: str = "") -> None:
        self._always, self._then, self._once = broken, noticing, once
        self._mutated = False

    @contextmanager
    def without(self, _mutant: Mutant) -> Iterator[None]:
        self._mutated = True
        yield
        self._mutated = False

    def run(self, tests: Sequence[str], _seconds: float) -> subprocess.CompletedProcess[str]:
        left = [each for each in (self._always, *self._noticed()) if each]
        told = [each for each in left if "--deselect" not in tests or each not in tests]
        if "::" in tests[0]:
            told = [each for each in left if each == tests[0]]
        said = "".join(f"FAILED {each} - why\n" for each in told[:1])
        return subprocess.CompletedProcess([], 1 if told else 0, said, "")

    def _noticed(self) -> list[str]:
        if not self._mutated:
            return []
        once, self._once = self._once, ""
        return [self._then, once]


def verdict(**answers: str) -> str:
    return hunt(cast("Workshop", Answers(**answers)), MUTANT).by


def test_a_test_that_fails_only_without_the_protection_has_noticed() -> None:
    assert verdict(noticing="tests/a.py::test_a") == "tests/a.py::test_a"


def test_a_test_that_fails_in_any_case_says_nothing() -> None:
    assert verdict(broken="tests/a.py::test_a") == ""


def test_a_test_that_fails_in_any_case_hides_no_other() -> None:
    found = verdict(broken="tests/a.py::test_a", noticing="tests/a.py::test_b")
    assert found == "tests/a.py::test_b"


def test_a_test_that_fails_by_chance_says_nothing_and_hides_no_other() -> None:
    assert verdict(once="tests/a.py::test_a") == ""
    found = verdict(once="tests/a.py::test_a", noticing="tests/a.py::test_b")
    assert found == "tests/a.py::test_b"
