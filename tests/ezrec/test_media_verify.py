"""Whether an output is what it was meant to be, asked of real files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ezrec.media.verify import Expected, verify
from tests.ezrec.real_media import counted

EXPECTED = Expected(width=320, height=240, frames=20, seconds=2.0, rate=Fraction(10))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verify") / "merged.mp4"
    counted(made, 0, seconds=2, extra="-movflags +faststart")
    return made


def said(path: Path) -> str | None:
    with path.open("rb") as file:
        return verify(file.fileno(), "merged.mp4", EXPECTED)


def test_what_was_meant_is_good(video: Path) -> None:
    """Whole, of the size, the length and the number of frames that the inputs promise."""
    assert said(video) is None


def test_a_last_byte_that_is_missing_is_noticed(video: Path, tmp_path: Path) -> None:
    """The index stands in front, so every frame is still counted and the length is as it was: only the
    boxes tell."""
    cut = tmp_path / "merged.mp4"
    cut.write_bytes(video.read_bytes()[:-1])
    assert "merged.mp4: " in str(said(cut))
