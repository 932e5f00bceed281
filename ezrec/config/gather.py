"""Whatever is told, from all its sources into one Config; every problem of all of them at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ezrec.config.build import build, understood
from ezrec.config.dotenv import Variable, variables
from ezrec.config.model import Config
from ezrec.config.nodes import Given
from ezrec.config.originals import from_originals, from_process
from ezrec.config.problem import Problem
from ezrec.config.sources import from_document, from_dotenv, from_environment, from_flags
from ezrec.config.told import Told, is_silent


def gather(told: Told, problems: list[Problem]) -> Config:
    """The configuration; where `problems` come up, nothing but its root is worth anything."""
    strict = [
        *from_flags(told.flags, told.here, problems),
        *from_environment(told.environ, told.here, problems),
        *_from_file(told, problems),
    ]
    directory = told.directory or told.here
    dotenv = _dotenv(told, problems)
    lenient = [
        *from_originals(from_process(told.environ, dotenv), "environment", told.here),
        *from_dotenv(dotenv, directory, problems),
        *from_originals(dotenv, ".env", directory),
    ]
    return build(understood(strict, lenient, problems), problems)


def _from_file(told: Told, problems: list[Problem]) -> Iterator[Given]:
    if isinstance(told.text, Problem):
        problems.append(told.text)
    elif told.file and told.text and not is_silent(told.text):
        from ezrec.config.document import parse_document  # yaml: only where something is said

        table = parse_document(told.file.name, told.text, problems)
        yield from from_document(table, told.file, problems)


def _dotenv(told: Told, problems: list[Problem]) -> dict[str, Variable]:
    if isinstance(told.dotenv, Problem):
        problems.append(told.dotenv)
        return {}
    return variables(told.dotenv or "")
