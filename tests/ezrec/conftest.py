"""Fixtures of ezrec's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ezrec.station_fixture import Folder, make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A root with small hooks that tell what they did. What still runs at the end is ended."""
    made = make_folder(tmp_path)
    yield made
    made.end_everything()
