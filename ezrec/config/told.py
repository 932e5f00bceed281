"""All that a station is told, as it was found, and whether that is anything at all. Pure.

Most stations say nothing but where they are: then neither the table of settings nor YAML is needed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ezrec.config import places
from ezrec.config.model import Config
from ezrec.config.names import FILE, ORIGINAL, PREFIX, ROOT, SECTIONS
from ezrec.config.problem import Problem

_ORIGINAL = frozenset(name for names in ORIGINAL.values() for name in names)


class Told(NamedTuple):
    """`here` is where relative paths count from. `file` is the configuration and `text` what it holds,
    `dotenv` what `.env` in `directory` holds: a Problem where it can't be read, None where there is none."""

    flags: Mapping[str, str]
    environ: Mapping[str, str]
    here: Path
    file: Path | None
    text: str | Problem | None
    directory: Path | None
    dotenv: str | Problem | None


def unsaid(told: Told) -> Config | None:
    """The defaults, where nothing but the root is said; None where more is, or the root has a fault."""
    if told.dotenv is not None or not is_silent(told.text or ""):
        return None
    if not told.flags.keys() <= {"root"} or any(_may_say(*each) for each in told.environ.items()):
        return None
    try:
        roots = [places.path(root, told.here) for root in _roots(told)]
    except ValueError:
        return None
    return Config(root=roots[0] if roots else None)


def is_silent(text: str | Problem) -> bool:
    """Whether there are only comments and headings, as `ezrec init` writes them: nothing is set."""
    if isinstance(text, Problem):
        return False
    # spaces alone are blank: a tab is a fault, and what looks like a space is text
    said = [line.rstrip(" ") for line in text.splitlines() if line.strip(" ")]
    headings = [line for line in said if not line.lstrip(" ").startswith("#")]
    sections = {f"{section}:" for section in SECTIONS}
    return len(set(headings)) == len(headings) and sections.issuperset(headings)


def _may_say(name: str, value: str) -> bool:
    """Whether a variable may be a setting, or be meant for one."""
    if name in (ROOT, FILE):
        return False
    return name.startswith(PREFIX) or (bool(value) and name in _ORIGINAL)


def _roots(told: Told) -> Iterator[str]:
    """What names the root, the first that counts first."""
    if "root" in told.flags:
        yield told.flags["root"]
    if told.environ.get(ROOT):
        yield told.environ[ROOT]
