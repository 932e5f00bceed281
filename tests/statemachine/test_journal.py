"""The journal: torn, flipped, written by several, copied, and replaced by something else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine import files
from ezrec.statemachine.clock import SystemClock
from ezrec.statemachine.journal import LINE_LIMIT, Journal, decode, encode

ROOT_ID = "0123456789abcdef"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A recording's directory."""
    (tmp_path / "rec").mkdir()
    return tmp_path / "rec"


@pytest.fixture
def journal(place: Path) -> Iterator[Journal]:
    """Its journal."""
    with files.directory(place) as fd:
        yield Journal(fd, ROOT_ID, SystemClock())


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    """The kinds of these lines."""
    return [line["kind"] for line in lines]


def test_what_is_appended_is_read(journal: Journal, place: Path) -> None:
    """In order, with a number, the boot, the time and the directory."""
    assert journal.read() == []
    journal.append("state", durable=True, state="recorded", marker=".done")
    journal.append("attempt", durable=False, run="r1")
    first, second = journal.read()
    assert (first["kind"], first["state"], first["seq"]) == ("state", "recorded", 1)
    assert (second["kind"], second["run"], second["seq"]) == ("attempt", "r1", 2)
    assert {"boot", "up", "at", "dir"} <= first.keys()
    assert str(place.stat().st_ino) in first["dir"]


def test_p16_torn_at_each_byte(journal: Journal, place: Path) -> None:
    """Whatever the power cut left of it: every whole line is read, and the next one can be written."""
    for number in range(4):
        journal.append(f"k{number}", durable=False, text="x" * number)
    file = place / "logs" / "journal"
    data = file.read_bytes()
    for cut in range(len(data) + 1):
        file.write_bytes(data[:cut])
        whole = [line for line in data[:cut].split(b"\n")[:-1] if line]
        tail = data[:cut].rpartition(b"\n")[2]
        complete = len(whole) + (
            tail + b"\n" in data and bool(tail) and data[cut : cut + 1] == b"\n"
        )
        assert kinds(journal.read()) == [f"k{number}" for number in range(complete)], cut
        if cut % 7 == 0:
            journal.append("next", durable=False)
            lines = journal.read()
            assert kinds(lines) == [*(f"k{number}" for number in range(complete)), "next"], cut
            assert lines[-1]["seq"] == complete + 1


def test_p16_each_bit_flipped() -> None:
    """That line is lost and no other; a flipped line end loses none."""
    lines = [encode({"kind": f"k{number}", "text": "né", "seq": number}) for number in range(3)]
    data = b"".join(lines)
    starts = [0, len(lines[0]), len(lines[0]) + len(lines[1])]
    whole = decode(data)
    flips = 0
    for at in range(len(data)):
        hit = max(index for index, start in enumerate(starts) if start <= at)
        others = [line for index, line in enumerate(whole) if index != hit]
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            found = decode(bytes(flipped))
            assert found in (others, whole), (at, bit, found)
            if data[at] == 0x0A and hit < 2:
                assert found == whole, (at, bit, found)
            flips += 1
    assert flips == 8 * len(data)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\n\n\n",
        b"\0" * 5000,
        b"\xff" * 100,
        b"00000000 ",
        b"00000000 {}",
        b"zzzzzzzz {}",
        b"-0000001 {}",
        b" " * 9,
        b"[" * 100_000,
        b"{" * 100_000,
        encode({"kind": 5}),
        encode({"nothing": "x"}),
        encode({"kind": "x"})[1:],
    ],
    ids=lambda junk: repr(junk[:12]),
)
def test_junk_is_skipped(junk: bytes) -> None:
    """Between two good lines anything may stand."""
    good = [encode({"kind": "a"}), encode({"kind": "b"})]
    assert kinds(decode(good[0] + junk + b"\n" + good[1])) == ["a", "b"]


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """No content of the file raises."""
    assert decode(data) == []


def test_a_valid_checksum_is_not_enough() -> None:
    """A line is an object with a kind; a deep or a broken one is none."""
    import zlib

    for body in (
        b"5",
        b"[]",
        b"null",
        b"{}",
        b'{"kind":1}',
        b"[" * 20_000,
        b'{"kind":"x"',
        b"\xff",
    ):
        line = f"{zlib.crc32(body):08x} ".encode() + body
        assert decode(line) == []


TEXTS = (
    st.text(max_size=50)
    | st.text(st.characters(categories=["Cs", "Cc", "So"]), max_size=400)
    | st.integers(0, 20_000).map(lambda size: "𝄞" * size)
    | st.integers(0, 20_000).map(lambda size: "\udcff" * size)
    | st.integers(0, 20_000).map(lambda size: "x" * size)
)


@given(
    st.fixed_dictionaries(
        {
            "reason": TEXTS,
            "content": st.just("c" * 16),
            "boot": st.just("b" * 36),
            "run": st.just("f" * 32),
            "to": st.just("merge_failed"),
            "seq": st.integers(0, 2**63),
            "notes": st.lists(TEXTS, max_size=20),
            "by": TEXTS,
        }
    )
)
def test_a_line_is_never_longer_than_4_kib(record: dict[str, Any]) -> None:
    """Whatever texts a hook or an operator wrote; what the machine needs is never cut."""
    line = encode({"kind": "ended", **record})
    assert len(line) <= LINE_LIMIT
    assert line.count(b"\n") == 1 and line.endswith(b"\n") and line.isascii()
    (found,) = decode(line)
    kept = ("content", "boot", "run", "to", "seq")
    assert {key: found[key] for key in kept} == {key: record[key] for key in kept}
    if len(json.dumps(record)) < 3000:
        whole = {**record, "notes": record["notes"][:16]}
        as_json_has_it = json.loads(json.dumps(whole))  # it joins the halves of a surrogate pair
        assert {key: found[key] for key in record} == as_json_has_it


def test_a_cut_text_says_so() -> None:
    """The beginning is kept, and an ellipsis."""
    (found,) = decode(encode({"kind": "x", "reason": "because " * 1000}))
    assert found["reason"].startswith("because because") and found["reason"].endswith("…")


WRITER = """
import sys
from ezrec.statemachine import files
from ezrec.statemachine.clock import SystemClock
from ezrec.statemachine.journal import Journal
fd = files.open_directory(sys.argv[1])
for number in range(60):
    Journal(fd, sys.argv[2], SystemClock()).append(sys.argv[3], durable=False, number=number)
"""


@pytest.mark.parametrize("number", [10**40 - 1, 1 << 53, -1, True, None])
def test_p16_a_number_beyond_all_reason_spoils_no_line_after_it(
    journal: Journal, place: Path, number: object
) -> None:
    """A line that somebody forged: those that follow can be read, so attempts are counted."""
    journal.append("state", durable=False)
    with (place / "logs" / "journal").open("ab") as file:
        file.write(encode({"kind": "forged", "seq": number}))
    for _ in range(3):
        journal.append("attempt", durable=False)
    assert kinds(journal.read()) == ["state", "attempt", "attempt", "attempt"]


def test_several_writers_keep_their_lines_apart(journal: Journal, place: Path) -> None:
    """Appends of several processes: none is lost, none torn, each number is given once."""
    arguments = [sys.executable, "-c", WRITER, str(place), ROOT_ID]
    writers = [subprocess.Popen([*arguments, name]) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = journal.read()
    assert [line["seq"] for line in lines] == list(range(1, 241))
    for name in "abcd":
        assert [line["number"] for line in lines if line["kind"] == name] == list(range(60))


def test_a_copy_is_history_only(journal: Journal, place: Path) -> None:
    """In a copied directory the old lines are not its own, the new ones are; all can be told."""
    journal.append("state", durable=True, state="completed")
    copy = place.parent / "copy"
    shutil.copytree(place, copy)
    with files.directory(copy) as fd:
        copied = Journal(fd, ROOT_ID, SystemClock())
        assert copied.read() == []
        assert kinds(copied.read_any()) == ["state"]
        copied.append("push", durable=True, state="recorded")
        assert kinds(copied.read()) == ["push"]
        assert kinds(copied.read_any()) == ["state", "push"]
        assert copied.read()[0]["seq"] == 2
        assert kinds(Journal(fd, "another root's id", SystemClock()).read()) == []
    assert kinds(journal.read()) == ["state"]


def test_a_renamed_directory_keeps_its_journal(journal: Journal, place: Path) -> None:
    """`mv` of a recording within its file system takes its history along."""
    journal.append("state", durable=True, state="recorded")
    place.rename(place.parent / "moved")
    with files.directory(place.parent / "moved") as fd:
        assert kinds(Journal(fd, ROOT_ID, SystemClock()).read()) == ["state"]


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "directory", "hard link"])
def test_p13_a_journal_that_is_none(journal: Journal, place: Path, kind: str) -> None:
    """Refused with an OSError, at once, and nothing outside is touched."""
    outside = place.parent / "outside"
    outside.write_bytes(b"precious\n")
    (place / "logs").mkdir()
    target = place / "logs" / "journal"
    match kind:
        case "link":
            target.symlink_to(outside)
        case "dangling":
            target.symlink_to("../../made")
        case "fifo":
            os.mkfifo(target)
        case "directory":
            target.mkdir()
        case _:
            os.link(outside, target)
    if kind != "dangling":
        with pytest.raises(OSError):
            journal.read()
    with pytest.raises(OSError):
        journal.append("state", durable=True, state="recorded")
    assert outside.read_bytes() == b"precious\n"
    assert sorted(os.listdir(place.parent)) == ["outside", "rec"]


@pytest.mark.parametrize("kind", ["link", "file", "fifo"])
def test_p13_logs_that_are_no_directory(journal: Journal, place: Path, kind: str) -> None:
    """The directory of the journal is not followed elsewhere either."""
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        (place / "logs").symlink_to(elsewhere)
    elif kind == "file":
        (place / "logs").touch()
    else:
        os.mkfifo(place / "logs")
    with pytest.raises(OSError):
        journal.read()
    with pytest.raises(OSError):
        journal.append("state", durable=True)
    assert os.listdir(elsewhere) == []


def test_a_huge_journal_is_read_from_its_end(journal: Journal, place: Path) -> None:
    """A gigabyte of holes before the last lines costs no gigabyte."""
    journal.append("first", durable=False)
    with (place / "logs" / "journal").open("r+b") as file:
        file.truncate(1 << 30)
    journal.append("last", durable=False)
    assert kinds(journal.read()) == ["last"]


@pytest.mark.timeout(10)
def test_a_journal_made_to_be_slow_is_not() -> None:
    """Eight megabytes that look like the beginnings of lines: nothing in them is ours."""
    good = encode({"kind": "state", "state": "merged"})
    assert [line["kind"] for line in decode(b"00000000 {" * 838_000 + b"\n" + good)] == ["state"]
