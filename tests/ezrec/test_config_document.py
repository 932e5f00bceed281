"""Files that are not what they should be: a sentence with file and line, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezrec.config import Config, load
from ezrec.errors import ConfigError

KEYS = st.sampled_from(
    ["settle", "cameras", "capture", "size", "stages", "merge", "after", "to", "hooks", "path", "x"]
)
TREES = st.recursive(
    st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["5 s", "merged", "0", "1x1"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
ANY_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


def problems_of(content: bytes, directory: Path) -> tuple[str, ...]:
    file = directory / "ezrec.yaml"
    file.write_bytes(content)
    try:
        load(file, {}, {})
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("content", [b"", b"\n# only a comment\n", b"---\n", b"null\n", b"{}\n"])
def test_an_empty_file_says_nothing(content: bytes, tmp_path: Path) -> None:
    """The defaults hold; so do they behind a byte order mark."""
    assert problems_of(content, tmp_path) == ()
    assert problems_of(b"\xef\xbb\xbf" + content, tmp_path) == ()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"settle: 5 s\nsettle: 6 s\n", "2: settle: this key is here twice, first in line 1"),
        (b"capture:\n\tsize: 1x1\n", "2: a tab can't indent YAML: use spaces"),
        (b"- a\n- b\n", "1: the file must hold keys and values, like `settle: 5 s`"),
        (b"hello\n", "1: the file must hold keys and values"),
        (b"a: &x [1]\n", "1: anchors and aliases (& and *) are not used here"),
        (b"settle: 5 s\nb: *x\n", "2: anchors and aliases (& and *) are not used here"),
        (b"settle: !!python/object:os.system x\n", "1: tags (!) are not used here"),
        (b"settle: 5 s\n---\nsettle: 6 s\n", "3: there is a second document"),
        (b"? [a]\n: b\n", "1: a key must be plain text"),
        (b"settle: 5 s\nb: [1,\n", "3: this is not YAML: "),
        (b"a: b: c\n", "1: this is not YAML: mapping values are not allowed here"),
        (b"settle: 5 s\nuser_id: \xff\xfe\n", "2: this is not UTF-8 text"),
        ("settle: 5 s\n".encode("utf-16"), "1: this is not UTF-8 text"),
        (b"settle: 5 s\n\x00\n", "2: the control character '\\x00' is no text"),
        (b"settle: 5 s\n\x1b[31m\n", "2: the control character '\\x1b' is no text"),
        (b"[" * 100_000, "1: this is nested too deep"),
        (b"- " * 100_000, "1: this is nested too deep"),
        (b"".join(b"k%d: 1\n" % n for n in range(20_000)), "5000: this is nested too deep, or too"),
    ],
)
def test_what_is_no_configuration_is_one_sentence(
    content: bytes, problem: str, tmp_path: Path
) -> None:
    """File and line, whatever is wrong with the text."""
    found = problems_of(content, tmp_path)
    assert found[-1].startswith(f"ezrec.yaml:{problem}")


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    """A billion laughs is refused at its first anchor."""
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*a, *a]\n" for n in "bcdefghijk")
    assert len(problems_of(bomb.encode(), tmp_path)) == 1


def test_a_hundred_problems_are_enough(tmp_path: Path) -> None:
    """The rest is counted."""
    found = problems_of(b"".join(b"k%d: 1\n" % n for n in range(250)), tmp_path)
    assert (len(found), found[-1]) == (101, "… and 150 more")


def make_large(place: Path) -> None:
    with place.open("wb") as stream:
        stream.truncate(1 << 30)


TROUBLE: list[tuple[str, Callable[[Path], object], str]] = [
    ("directory", Path.mkdir, "is not a regular file"),
    ("fifo", os.mkfifo, "is not a regular file"),
    ("device", lambda place: place.symlink_to("/dev/zero"), "is not a regular file"),
    ("dangling", lambda place: place.symlink_to("nowhere"), "No such file"),
    ("loop", lambda place: place.symlink_to(place.name), "Too many levels of symbolic links"),
    ("gigabyte", make_large, "more than 1 MiB"),
]


@pytest.mark.parametrize("name", ["ezrec.yaml", ".env"])
@pytest.mark.parametrize(("trouble", "make", "words"), TROUBLE, ids=[each[0] for each in TROUBLE])
def test_what_is_no_readable_file_is_one_sentence(
    name: str, trouble: str, make: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    """A FIFO is never waited for, a device never read, a gigabyte never loaded."""
    file = tmp_path / "ezrec.yaml"
    if name != file.name:
        file.touch()
    make(tmp_path / name)
    with pytest.raises(ConfigError, match=words) as caught:
        load(file, {}, {})
    assert caught.value.problems[0].startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "a\nb"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    """As a path from a flag or a variable: a sentence that can be printed."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name, {}, {})
    assert all(problem.isprintable() for problem in caught.value.problems)


@ANY_FILE
@given(
    st.one_of(st.binary(), st.text().map(str.encode), TREES.map(lambda tree: repr(tree).encode()))
)
def test_any_content_is_loaded_or_refused(tmp_path: Path, content: bytes) -> None:
    """ConfigError is the only way out, and its sentences can't drive a terminal."""
    assert all(problem.isprintable() for problem in problems_of(content, tmp_path))


@ANY_FILE
@given(st.binary())
def test_any_dotenv_is_loaded_or_refused(tmp_path: Path, content: bytes) -> None:
    """The same for the file that is shared with others."""
    (tmp_path / ".env").write_bytes(content)
    assert all(problem.isprintable() for problem in problems_of(b"", tmp_path))


@given(
    st.dictionaries(
        st.sampled_from(["EZREC_CAMERAS", "EZREC_ROOT", "RESOLUTION", "CAMERA_0_NAME", "USER_ID"]),
        st.text(),
    ),
    st.dictionaries(st.one_of(st.text(), st.sampled_from(["root", "stages.x.to"])), st.text()),
)
def test_any_variables_and_flags_are_loaded_or_refused(
    environ: dict[str, str], flags: dict[str, str]
) -> None:
    """Whatever is typed or exported."""
    try:
        assert isinstance(load(None, flags, environ), Config)
    except ConfigError as error:
        assert all(problem.isprintable() for problem in error.problems)
