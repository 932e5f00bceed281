"""Fixtures of ezrec's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ezrec.command_line import Site, make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shortest video that a merge could have made."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def site(tmp_path: Path, clip: Path) -> Iterator[Site]:
    """A root for the command line, with hooks that do as the recording says. Ended as `folder` is."""
    made = Site(root=tmp_path / "root", clip=clip)
    yield made
    made.end_everything()
