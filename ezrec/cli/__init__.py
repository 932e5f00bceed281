"""The command line: parse, one call, print. Each command lives in a module, imported when it is used."""

from __future__ import annotations

import sys

from ezrec.cli.boundary import guarded
from ezrec.cli.group import ezrec


def main() -> None:
    """The `ezrec` program. A reload that is asked for before `watch` can hear it must not end it."""
    if "watch" in sys.argv[1:]:
        import signal

        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    guarded(ezrec)
