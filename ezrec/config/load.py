"""All sources into one frozen Config; every problem of all of them at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ezrec.config.files import read_dotenv, read_text
from ezrec.config.model import Config
from ezrec.config.names import FILE, ROOT
from ezrec.config.problem import Problem
from ezrec.config.told import Told, unsaid
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
    told = _told(file, flags, environ)
    problems: list[Problem] = []
    config = unsaid(told)
    if config is None:
        from ezrec.config.gather import gather  # all settings: only where one may be said

        config = gather(told, problems)
    rooted = _rooted(config._replace(file=told.file))
    if problems:
        return rooted._replace(file=None), _error(problems, told.file)
    return rooted, None


def _told(file: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]) -> Told:
    here = _here()
    named = flags.get("root") or environ.get(ROOT)
    root = here / named if named else None
    file = _file(file, environ, root, here)
    directory = file.parent if file else root
    return Told(
        flags=flags,
        environ=environ,
        here=here,
        file=file,
        text=read_text(file) if file else None,
        directory=directory,
        dotenv=read_dotenv(directory),
    )


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


def _rooted(config: Config) -> Config:
    """A file that lies in a root means that root, where nobody says another."""
    if config.root or not config.file or not os.path.lexists(config.file.parent / ROOT_MARK):
        return config
    return config._replace(root=config.file.parent)


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
