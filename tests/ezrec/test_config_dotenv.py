"""The lines of a `.env` file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.config.dotenv import variables, without_comment


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("  A = 1  ", "1"),
        ("A=1280x720  # HD", "1280x720"),
        ("A=1280x720\t# HD", "1280x720"),
        ("A=a#b", "a#b"),
        ("A=", ""),
        ("A= # nothing", ""),
        ('A="a # b"', "a # b"),
        ("A='a # b' # c", "a # b"),
        (r'A="a\"b\n"', 'a"b\n'),
        (r"A='a\n'", r"a\n"),
        ("A=b=c", "b=c"),
        ("A=1\r", "1"),
    ],
)
def test_one_line_sets_one_value(line: str, value: str) -> None:
    """Quotes, `export`, blanks and inline comments as shells and python-dotenv read them."""
    found = variables(f"{line}\n")["A"]
    assert (found.value, found.fault, found.line) == (value, "", 1)


@pytest.mark.parametrize("line", ["", "# A=1", "nonsense", "=1", "1A=2", "a b=c"])
def test_what_is_no_assignment_is_passed_over(line: str) -> None:
    """The file is shared with other programs."""
    assert variables(line) == {}


@pytest.mark.parametrize("line", ['A="1', "A='1", 'A="1" 2'])
def test_quotes_that_do_not_match_are_a_fault_of_that_line_alone(line: str) -> None:
    """The lines around it are read as if it were not there."""
    found = variables(f"B=1\n{line}\nC=2\n")
    assert "quotes" in found["A"].fault
    assert (found["A"].line, found["B"].value, found["C"].value) == (2, "1", "2")


def test_of_two_lines_the_later_counts() -> None:
    """As in a shell."""
    assert variables("A=1\nA=2\n")["A"].value == "2"


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes the reader fail, and a line number is within the text."""
    for found in variables(text).values():
        assert 1 <= found.line <= len(text) + 1


@given(st.text(alphabet="# \tab", max_size=20))
def test_a_comment_is_cut_off_once_and_for_all(text: str) -> None:
    """What is left has no comment left in it."""
    assert without_comment(without_comment(text)) == without_comment(text)
