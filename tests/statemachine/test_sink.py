"""Where a hook's output goes, and the lines that are taken up."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine.sink import Sink


def sunk(parts: list[bytes], cap: int = 1 << 20) -> tuple[bytes, list[float], list[str]]:
    """The log, the progress and the notes that these pieces of output leave."""
    log = os.memfd_create("log")
    told: list[float] = []
    sink = Sink(log, cap, told.append)
    for part in parts:
        sink.feed(part)
    sink.close()
    data = os.pread(log, 1 << 24, 0)
    os.close(log)
    return data, told, sink.notes


@pytest.mark.parametrize(
    ("text", "told", "notes"),
    [
        (b"ezrec:progress 42.5\n", [42.5], []),
        (b"ezrec:progress 42.5%\n", [42.5], []),
        (b"ezrec:progress 0\nezrec:progress 100\n", [0.0, 100.0], []),
        (b"ezrec:progress 7", [7.0], []),
        (b"ezrec:progress 7\r\n", [7.0], []),
        (
            b"ezrec:progress -1\nezrec:progress 101\nezrec:progress nan\nezrec:progress inf\n",
            [],
            [],
        ),
        (b"ezrec:progress\nezrec:progress x\nezrec:progress \xff\n", [], []),
        (b"ezrec:note one camera only\n", [], ["one camera only"]),
        (b"ezrec:note caf\xc3\xa9 \xff\x1b[31m\x00\n", [], ["café �[31m"]),
        (b"ezrec:other x\nezrec:\nezrec\n", [], []),
        (b" ezrec:note x\nsays ezrec:note y\nEZREC:note z\n", [], []),
        (b"a\nezrec:note b\nc\n", [], ["b"]),
        (b"ezrec:note " + b"x" * 9000 + b"\n", [], ["x" * 300]),
        (b"ezrec:note y\n" * 30, [], ["y"] * 20),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_lines_are_taken_up(text: bytes, told: list[float], notes: list[str]) -> None:
    """Whole lines that begin with the mark; what is malformed is just output. All goes to the log."""
    for parts in ([text], [text[i : i + 1] for i in range(len(text))]):
        assert sunk(parts) == (text, told, notes)


@given(
    st.lists(
        st.sampled_from(
            [
                b"ezrec:note a\n",
                b"ezrec:progress 5\n",
                b"plain\n",
                b"\n",
                b"x" * 5000,
                b"ezrec:",
                b"note b",
            ]
        )
    ),
    st.lists(st.integers(0, 30_000), max_size=6),
)
def test_where_the_output_is_cut_into_pieces_does_not_matter(
    lines: list[bytes], cuts: list[int]
) -> None:
    """However the pipe hands it over, the same is taken up."""
    text = b"".join(lines)
    ends = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(ends)]
    assert sunk(pieces) == sunk([text])


def test_a_flood_is_capped_and_its_end_is_kept() -> None:
    """The first bytes, how many are left out, the last ones."""
    parts = [b"begin\n", *[b"%07d\n" % number for number in range(200_000)], b"the end\n"]
    data, _, _ = sunk(parts, cap=1000)
    assert data.startswith(b"begin\n0000000\n")
    assert data.endswith(b"0199999\nthe end\n")
    assert b"bytes of output left out here]\n" in data
    assert len(data) <= 1000 + (128 << 10) + 100
    left_out = int(data.partition(b"[ezrec: ")[2].split()[0])
    kept = len(data) - len(f"\n[ezrec: {left_out} bytes of output left out here]\n")
    assert kept + left_out == sum(map(len, parts))


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 65_536, 131_172])
def test_what_fits_is_whole(size: int) -> None:
    """Up to the cap and the tail nothing is left out."""
    text = os.urandom(size).replace(b"ezrec", b"other")
    assert sunk([text], cap=100)[0] == text


def test_a_full_disk_loses_the_log_only(tmp_path: Path) -> None:
    """A log that can't be written raises nothing; notes are still taken up."""
    full = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(full, 1000, lambda _: None)
    for _ in range(5):
        sink.feed(b"output\nezrec:note still here\n")
    sink.close()
    os.close(full)
    assert sink.notes == ["still here"] * 5
