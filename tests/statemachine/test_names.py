"""Which names may be recordings, and the command that mends one that may not."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrec.statemachine.errors import NameRefused
from ezrec.statemachine.names import is_date, is_name, mend_name, parts_of, quote

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "x/..",
    "a/b",
    "a/b/c",
    "2026-11-23/x/y",
    "2026-11-23/..",
    "2026-11-23/",
    "/x",
    "x/",
    "//",
    "2026-11-23",
    "2026-11-23/2026-11-24",
    "2026-1-3/x",
    "\u0662\u0660\u0662\u0666-11-23/x",
    ".hidden",
    "-rf",
    "_x",
    "a b",
    " a",
    "a ",
    "a\n",
    "\na",
    "a\tb",
    "a\0b",
    "a\x1b[31mb",
    "a" * 65,
    "café",
    "\u202egnp.exe",
    "a\udcffb",
    "a;b",
    "$(id)",
    "`id`",
    "a'b",
    'a"b',
    "a\\b",
    "a*b",
    "~root",
    "a:b",
    "a=b",
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_p13_a_hostile_id_is_refused(name: str) -> None:
    """Refused, never cleaned; and said in one line that can be printed."""
    with pytest.raises(NameRefused) as refused:
        parts_of(name)
    assert "\n" not in str(refused.value) and "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x", ("x",)),
        ("a" * 64, ("a" * 64,)),
        ("A.b_c-9", ("A.b_c-9",)),
        ("0", ("0",)),
        ("a..b", ("a..b",)),
        ("2026-11-23/x", ("2026-11-23", "x")),
        ("9999-99-99/x", ("9999-99-99", "x")),
        ("2026-11-23x", ("2026-11-23x",)),
    ],
)
def test_an_allowed_id_has_its_levels(text: str, parts: tuple[str, ...]) -> None:
    """One level, or a date and one."""
    assert parts_of(text) == parts


@given(st.text(max_size=70))
def test_p13_what_is_allowed_stays_where_it_is(text: str) -> None:
    """Any text is refused, or its levels are plain names that lead nowhere else."""
    try:
        parts = parts_of(text)
    except NameRefused:
        return
    assert "/".join(parts) == text
    assert is_name(parts[-1])
    for part in parts:
        assert (
            part.isascii()
            and not part.startswith((".", "-"))
            and "/" not in part
            and len(part) <= 64
        )


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
def test_the_allowed_form_is_allowed_unless_a_date(text: str) -> None:
    """The rule of the design, read backwards."""
    assert is_name(text) is not is_date(text)


NAMES = [
    *(name for name in HOSTILE if name not in ("", ".", "..") and "/" not in name and "\0" not in name),
    "it's",
    "a'\"'\"'b",
    "$(touch escaped)",
    "`touch escaped`",
    "a\n; touch escaped\n",
    "-n",
    "--help",
    "a\rb",
    "\x07",
    "\x01a",
    "\x01f'",
    "\\x41",
    "a\\",
    "\n\\'",
    "2026-11-23 ",
    "- -",
    "é'\n",
    "b" * 255,
    "\udcff\udcfe",
    "!!",
    "{a,b}",
    "~",
    "#x",
    "&",
    "|",
]  # fmt: skip


def renamed(name: str) -> str:
    """What a directory of this name is called after the mend was run in a real shell."""
    with tempfile.TemporaryDirectory(prefix="it's a root ") as parent:
        path = Path(parent) / name
        path.mkdir()
        (path / "camera_0.mp4").write_text("footage")
        command = os.fsencode(mend_name(str(path), name))
        assert b"\n" not in command
        subprocess.run([b"bash", b"-c", command], cwd=parent, check=True, timeout=20)
        (only,) = os.listdir(parent)
        assert os.listdir(Path(parent) / only) == ["camera_0.mp4"]
        return only


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_p13_the_mend_really_renames(name: str) -> None:
    """Pasted into a shell, the command gives a hostile directory an allowed name, and does no more."""
    assert is_name(renamed(name))


FILE_NAMES = st.binary(min_size=1, max_size=12).map(os.fsdecode).filter(
    lambda name: name not in (".", "..") and "/" not in name and "\0" not in name
)  # fmt: skip
SHELLISH = st.text("ab'\"\\\n$(){}`;&|<>*?[]!~#-. \t\x01\x7fé", min_size=1, max_size=10).filter(
    lambda name: name not in (".", "..")
)


@settings(max_examples=60, deadline=None)
@given(FILE_NAMES | SHELLISH)
def test_p13_the_mend_renames_whatever_it_is_called(name: str) -> None:
    """Any bytes that the kernel takes as a name."""
    assert is_name(renamed(name))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab'\"\\\n$(){}`;&|<>*?[]!~#-. \t\x01\x7fé0", max_size=10), max_size=6))
def test_a_quoted_text_is_one_word(texts: list[str]) -> None:
    """What a shell makes of the quoted texts is the texts."""
    command = "printf '%s\\0' " + " ".join(quote(text) for text in ("first", *texts))
    said = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=20)
    assert said.stdout.decode().split("\0")[:-1] == ["first", *texts]


def test_the_mend_never_lands_in_another_recording(tmp_path: Path) -> None:
    """Where the allowed name is taken, the directory stays where it is: not moved into that one."""
    (tmp_path / "a-b").mkdir()
    (tmp_path / "a b").mkdir()
    subprocess.run(["bash", "-c", mend_name(str(tmp_path / "a b"), "a b")], timeout=20, check=False)
    assert sorted(os.listdir(tmp_path)) == ["a b", "a-b"]
    assert os.listdir(tmp_path / "a-b") == []
