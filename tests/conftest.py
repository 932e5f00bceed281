"""What all tests share: the long form of the promises, and the figures that they measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ezrec.station_fixture import Folder, make_folder

#: a name and what was measured, in one line of the summary
Figure = Callable[[str, object], None]
_FIGURE = "figure"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the promises in their long form")


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether every point is to be tried, and not a sample (`make prove`)."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Tell a figure that was measured in this run: `figure("P1 points tried", 312)`."""

    def tell(name: str, value: object) -> None:
        record_property(_FIGURE, f"{name}: {value}")

    return tell


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A root with small hooks that tell what they did. What still runs at the end is ended."""
    made = make_folder(tmp_path)
    yield made
    made.end_everything()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of this run, whichever process measured them."""
    reports = [each for stat in ("passed", "failed") for each in terminalreporter.getreports(stat)]
    told = {
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == _FIGURE
    }
    if told:
        terminalreporter.section("figures")
        for line in sorted(told):
            terminalreporter.write_line(line)
