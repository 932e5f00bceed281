"""The least of YAML: whatever it reads, it reads as the whole of YAML does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ezrec.config import sample
from ezrec.config.document import parse_document
from ezrec.config.nodes import Problem
from ezrec.config.plain import parse_plain

_KEYS = st.sampled_from(
    ["a", "merge", "settle", "b-c", "null", "yes", "1", "x.y", "A_1", "?", "- a"]
)
_VALUES = st.sampled_from(
    [
        "",
        " 5 s",
        " a",
        "  /srv/x y",
        " null",
        " ~",
        " 12:30",
        " [a]",
        " {a: b}",
        " a # b",
        " a #b",
        " a#b",
        " - a",
        " -",
        " 'a'",
        " |",
        " &a b",
        " *a",
        " !x",
        " a: b",
        " a:",
        "a",
        " 1 - 2",
        " ...",
        " .5",
        " x  y",
        " 0x1f",
        " %",
        " a,b",
        " a\u2028b",
        " a\tb",
        "\ta",
        " a \\",
        " ...",
        " a...",
        " ---",
        " @",
        " a @b",
    ]
)
_COMMENTS = st.sampled_from(["", "", "", " # c", " #", "#c", " # c: d", "  # \u00e4"])
_LINES = st.builds(
    lambda indent, key, colon, value, comment: " " * indent + key + colon + value + comment,
    st.integers(0, 5),
    _KEYS,
    st.sampled_from([":", ":", ":", ":", " :", "", "::"]),
    _VALUES,
    _COMMENTS,
)
_OTHERS = st.sampled_from(
    ["", "  ", "# c", "   # c", "---", "...", "- a", "\t", "%YAML 1.1", "a", "\ufeff"]
)
_TIDY = st.builds(
    lambda indent, key, value, comment: "  " * indent + key + ":" + value + comment,
    st.integers(0, 2),
    st.sampled_from(["a", "b", "c", "merge", "x.y"]),
    st.sampled_from(["", "", "", " 5 s", " null", " a", "  /srv/x", " 1280x720"]),
    st.sampled_from(["", "", " # c"]),
)
_TEXTS = st.one_of(
    st.lists(st.one_of(_LINES, _LINES, _LINES, _OTHERS), max_size=7).map("\n".join),
    st.lists(_TIDY, max_size=5).map("\n".join),
    st.lists(st.one_of(_TIDY, _TIDY, _TIDY, _LINES), max_size=5).map("\n".join),
)


@given(text=_TEXTS)
@example(text=sample())
@example(text="a: b\n  c: d\n")
@example(text="a:\n    b: c\n  d: e\n")
@example(text="a:\n  b: c\nd: e")
def test_what_is_read_is_what_yaml_says(text: str) -> None:
    """Keys, values, lines and nesting; a text that YAML finds fault with is left to YAML."""
    plain = parse_plain(text)
    problems: list[Problem] = []
    whole = parse_document("ezrec.yaml", text, problems)
    if plain is not None:
        assert (plain, problems) == (whole, [])


@given(text=st.text("ab:# \n-'\"\\\t{}[]&*!|>%@?.\r\u2028", max_size=40))
def test_no_text_is_read_otherwise(text: str) -> None:
    """The same for what nobody would write."""
    plain = parse_plain(text)
    problems: list[Problem] = []
    whole = parse_document("ezrec.yaml", text, problems)
    if plain is not None:
        assert (plain, problems) == (whole, [])


@pytest.mark.parametrize(
    "text",
    [
        sample(),
        "",
        "# nothing\n",
        "root: /srv/recordings\nsettle: 5 s  # still\n",
        "a:\n  b:\n    c: d\n",
    ],
)
def test_what_most_files_hold_is_read_here(text: str) -> None:
    """Without the YAML library, which is what makes `ezrec status` quick."""
    assert parse_plain(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a: [b]",
        "a: {b: c}",
        "a: 'b'",
        "- a",
        "a: b\na: c",
        "a:\n\tb: c",
        "a: b: c",
        "a\n",
        "--- \na: b",
    ],
)
def test_what_is_more_is_left_to_yaml(text: str) -> None:
    """And every mistake too: there it gets its sentence."""
    assert parse_plain(text) is None
