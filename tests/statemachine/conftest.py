"""What the tests of the state machine share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ezrec.statemachine.runner import ProcessRunner
from tests.statemachine.minding import Minded


@pytest.fixture
def minded(tmp_path: Path) -> Iterator[Minded]:
    """A recording, and a runner of its own."""
    runner = ProcessRunner()
    yield Minded(tmp_path / "rec", runner)
    runner.close()
