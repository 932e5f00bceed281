"""The patrol: what has to be looked at is looked at, whatever finds it and in whatever order."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ezrec.statemachine import make_root
from ezrec.statemachine.testing import ScriptedWatcher
from tests.watching.patrolling import patrolled

MANY = 450  # more than are looked at in one round


@pytest.mark.parametrize("by", ["the scan", "the check"])
def test_p05_everything_in_a_root_that_was_put_back_is_looked_at(tmp_path: Path, by: str) -> None:
    """Removed, and a copy of it in its place: every drop is old by then, and no scan would call it new."""
    root = tmp_path / "root"
    make_root(root)
    names = {f"r{number}" for number in range(MANY)}
    for name in names:
        (root / name).mkdir()
        (root / name / ".merge_error").touch()
        os.utime(root / name, (10**9, 10**9))
    with patrolled(root, ScriptedWatcher) as (patrol, clock):
        hinted: list[str | None] = []
        found = patrol.begin(hinted.append)
        while not patrol.has_looked():
            found += patrol.round()[0]
        assert set(found) == names
        shutil.copytree(root, tmp_path / "copy")
        shutil.rmtree(root)
        (tmp_path / "copy").rename(root)
        if by == "the scan":
            patrol._next_scan = 0.0
        else:
            clock.advance(8.5)
        again = [each for _ in range(20) for each in patrol.round()[0]]
        assert {*again, *hinted} == names
