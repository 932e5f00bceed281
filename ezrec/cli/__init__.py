"""The command line: parse, one call, print. Each command lives in a module, imported when it is used."""

from __future__ import annotations

from ezrec.cli.boundary import guarded
from ezrec.cli.group import ezrec


def main() -> None:
    """The `ezrec` program."""
    guarded(ezrec)
