"""These tests have teeth: a sample of what `make mutants` does with every protection there is."""

from __future__ import annotations

import pytest

from tests.conftest import Figure
from tests.mutants.hunt import hunt
from tests.mutants.workshop import Workshop, all_mutants

#: one of each kind that its module's own tests have to notice
SAMPLE = (
    "no-replace statemachine/place.py",
    "O_NOFOLLOW statemachine/files.py",
    "settle statemachine/decide.py",
    "verify statemachine/place.py",
    "lease ezrec/status.py",
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("mutants") / "copy")


@pytest.mark.parametrize("name", SAMPLE)
def test_p18_a_protection_taken_out_is_noticed(
    workshop: Workshop, figure: Figure, name: str
) -> None:
    """The first mutant of this kind in this module is caught, by a test that passes without it."""
    mutant = next(each for each in all_mutants() if each.name.startswith(name))
    verdict = hunt(workshop, mutant, everything=False)
    assert verdict.by, verdict.line
    figure(f"P18 {name}", f"caught by {verdict.by}")
