"""Whether a station says anything at all: the short way to the defaults, and that it leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ezrec.config import Config
from ezrec.config.gather import gather
from ezrec.config.names import ORIGINAL, SECTIONS
from ezrec.config.problem import Problem
from ezrec.config.sample import sample
from ezrec.config.settings import SETTINGS
from ezrec.config.told import Told, unsaid

HERE = Path("/srv")
FILE = HERE / "ezrec.yaml"
LINES = [
    "",
    "# a note",
    "  # settle: 5 s",
    "\t# a tab",
    "\u00a0# a blank that does not break",
    "capture:",
    "merge:",
    "stages:",
    "settle: 5 s",
    "  rate: 25",
    "x:",
]
VALUES = ["", " ", "/srv/root", "root", "~/root", "a\nb", "1280x720", "false", "1"]
NAMES = [
    *(setting.environment for setting in SETTINGS if setting.variable),
    *(name for names in ORIGINAL.values() for name in names),
    *("EZREC_CONFIG", "EZREC_HOOK", "EZREC_SETLE", "PATH"),
]
TEXTS = st.none() | st.lists(st.sampled_from(LINES), max_size=4).map("\n".join) | st.just(sample())


def told(
    flags: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    text: str | Problem | None = None,
    dotenv: str | Problem | None = None,
) -> Told:
    """What is found in these sources."""
    return Told(
        flags=flags or {},
        environ=environ or {},
        here=HERE,
        file=FILE if text is not None else None,
        text=text,
        directory=HERE,
        dotenv=dotenv,
    )


@given(
    st.builds(
        told,
        flags=st.dictionaries(
            st.sampled_from(["root", "capture.rate"]), st.sampled_from(VALUES), max_size=1
        ),
        environ=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2),
        text=TEXTS,
        dotenv=st.none() | st.sampled_from(["", "# nothing", "RESOLUTION=1920x1080"]),
    )
)
@example(told(environ={"RESOLUTION": "1920x1080"}))
@example(told(environ={"EZREC_CAPTURE_SIZE": "1920x1080"}))
@example(told(flags={"root": "a"}, environ={"EZREC_ROOT": "~/b"}))
@example(told(flags={"root": ""}, environ={"EZREC_ROOT": "b"}))
@example(told(text="capture:\ncapture:"))
def test_the_short_way_leads_where_the_long_one_does(said: Told) -> None:
    """Where it is taken, all the sources together mean the same, and have no fault."""
    short = unsaid(said)
    if short is not None:
        problems: list[Problem] = []
        assert (gather(said, problems), problems) == (short, [])


@pytest.mark.parametrize(
    ("said", "root"),
    [
        (told(), None),
        (told(text=""), None),
        (told(text=sample()), None),
        (told(text="".join(f"{section}:\n" for section in SECTIONS)), None),
        (told(environ={"EZREC_ROOT": "a", "PATH": "/bin", "EZREC_CONFIG": "x"}), HERE / "a"),
        (told(environ={"EZREC_ROOT": "", "RESOLUTION": ""}), None),
        (told(flags={"root": "/r"}, environ={"EZREC_ROOT": "a"}, text="# nothing"), Path("/r")),
    ],
)
def test_a_station_that_says_nothing_but_its_root_takes_it(said: Told, root: Path | None) -> None:
    """As `ezrec init` leaves it: the defaults hold."""
    assert unsaid(said) == Config(root=root)


@pytest.mark.parametrize(
    "said",
    [
        told(text="settle: 5 s"),
        told(text="merge:\nmerge:"),
        told(text="sections:"),
        told(text="\t# a tab can't indent YAML"),
        told(text="merge:\n\u00a0\n"),
        told(text=Problem(source="ezrec.yaml", sentence="it can't be read")),
        told(dotenv=""),
        told(dotenv=Problem(source=".env", sentence="it can't be read")),
        told(flags={"capture.rate": "25"}),
        told(flags={"root": "~"}),
        told(flags={"root": "a"}, environ={"EZREC_ROOT": "~"}),
        told(environ={"USER_ID": "x"}),
        told(environ={"EZREC_SETLE": ""}),
    ],
)
def test_whatever_may_be_said_takes_the_long_way(said: Told) -> None:
    """A fault is found there too."""
    assert unsaid(said) is None


def test_the_sections_are_those_of_the_settings() -> None:
    """The headings that say nothing by themselves."""
    parts = {setting.parts for setting in SETTINGS}
    assert set(SECTIONS) == {each[0] for each in parts if len(each) > 1 and "[" not in each[0]}
    assert ORIGINAL.keys() <= {setting.key for setting in SETTINGS}
