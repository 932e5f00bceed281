"""Where the secrets of a stage are looked up: the environment, and `.env`."""

from __future__ import annotations

from collections.abc import Mapping

from ezrec.config.dotenv import variables
from ezrec.config.files import read_dotenv
from ezrec.config.model import Config


def with_dotenv(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` and what `.env` adds to it."""
    text = read_dotenv(config.file.parent if config.file else config.root)
    found = variables(text) if isinstance(text, str) else {}
    return {name: each.value for name, each in found.items() if not each.fault} | dict(environ)
