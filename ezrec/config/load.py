"""All sources into one frozen Config; every problem of all of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ezrec.config.build import build, understood
from ezrec.config.dotenv import Variable, variables
from ezrec.config.files import read_text
from ezrec.config.model import Config
from ezrec.config.nodes import Given, Problem
from ezrec.config.originals import from_originals, from_process
from ezrec.config.settings import SETTINGS
from ezrec.config.sources import (
    FILE,
    from_document,
    from_dotenv,
    from_environment,
    from_flags,
)
from ezrec.errors import ConfigError

NAME = "ezrec.yaml"
ROOT_MARK = ".ezrec-root"
MOST = 100


def load(file: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]) -> Config:
    """The configuration, first wins: `flags` (by key: `capture.size`), `EZREC_*`, the file, the
    original's names in `environ`, `.env` beside the file (or in the root), the defaults.

    `file` None: `EZREC_CONFIG`, else `ezrec.yaml` in the root that a flag or `EZREC_ROOT` names,
    if there is one. Raises ConfigError; its `problems` are all there are, up to 100.
    """
    config, error = load_what_can_be(file, flags, environ)
    if error:
        raise error
    return config


def load_what_can_be(
    file: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[Config, ConfigError | None]:
    """As `load`; with an error the Config has the root, where that could be read, and defaults."""
    here = _here()
    named = flags.get("root") or environ.get("EZREC_ROOT")
    root = here / named if named else None
    file = _file(file, environ, root, here)
    problems: list[Problem] = []
    strict = [
        *from_flags(flags, here, problems),
        *from_environment(environ, here, problems),
        *_from_file(file, problems),
    ]
    directory = file.parent if file else root
    dotenv = _dotenv(directory, problems)
    lenient = [
        *from_originals(from_process(environ, dotenv), "environment", here),
        *from_dotenv(dotenv, directory or here, problems),
        *from_originals(dotenv, ".env", directory or here),
    ]
    config = build(understood(strict, lenient, problems), problems)
    if problems:
        return replace(_rooted(replace(config, file=file)), file=None), _error(problems, file)
    return _rooted(replace(config, file=file)), None


def with_dotenv(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` and what `.env` adds to it: where a stage's `secrets` are looked up."""
    directory = config.file.parent if config.file else config.root
    found = _dotenv(directory, [])
    return {n: each.value for n, each in found.items() if not each.fault} | dict(environ)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the working directory was removed: relative paths can't mean anything
        return Path("/")


def _file(
    file: Path | None, environ: Mapping[str, str], root: Path | None, here: Path
) -> Path | None:
    if file is not None:
        return here / file
    if environ.get(FILE):
        return here / environ[FILE]
    if root and os.path.lexists(root / NAME):
        return root / NAME
    return None


def _from_file(file: Path | None, problems: list[Problem]) -> Iterator[Given]:
    if file is None:
        return
    text = read_text(file)
    if isinstance(text, Problem):
        problems.append(text)
        return
    if _is_silent(text):
        return
    from ezrec.config.document import parse_document  # yaml: only where something is said

    table = parse_document(file.name, text, problems)
    yield from from_document(table, file, problems)


def _is_silent(text: str) -> bool:
    """Whether there are only comments and headings, as `ezrec init` writes them: nothing is set."""
    said = [line.rstrip() for line in text.splitlines() if line.strip()]
    headings = [line for line in said if not line.lstrip().startswith("#")]
    sections = {f"{setting.parts[0]}:" for setting in SETTINGS if len(setting.parts) > 1}
    return len(set(headings)) == len(headings) and sections.issuperset(headings)


def _dotenv(directory: Path | None, problems: list[Problem]) -> dict[str, Variable]:
    """What `.env` sets, where there is one."""
    if directory is None or not os.path.lexists(directory / ".env"):
        return {}
    text = read_text(directory / ".env")
    if isinstance(text, Problem):
        problems.append(text)
        return {}
    return variables(text)


def _rooted(config: Config) -> Config:
    """A file that lies in a root means that root, where nobody says another."""
    if config.root or not config.file or not os.path.lexists(config.file.parent / ROOT_MARK):
        return config
    return replace(config, root=config.file.parent)


def _error(problems: list[Problem], file: Path | None) -> ConfigError:
    sources = ("flags", "environment", file.name if file else "", ".env")
    ordered = sorted(problems, key=lambda each: (sources.index(each.source), each.line))
    lines = tuple(str(each) for each in ordered[:MOST])
    if len(ordered) == 1:
        return ConfigError(lines[0])
    if len(ordered) > MOST:
        lines += (f"… and {len(ordered) - MOST} more",)
    return ConfigError(
        f"{len(ordered)} problems in the configuration, the first: {lines[0]}", problems=lines
    )
