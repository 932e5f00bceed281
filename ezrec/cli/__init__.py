"""The command line: parse, one call, print. Each command lives in a module, imported when it is used."""

from __future__ import annotations

import gc
import sys

#: no collection before so many new objects: a start makes thousands, and none of them is garbage
_OBJECTS = 30_000


def main() -> None:
    """The `ezrec` program. A reload that is asked for before `watch` can hear it must not end it."""
    if "watch" in sys.argv[1:]:
        import signal

        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.set_threshold(_OBJECTS)
    from ezrec.cli.boundary import guarded
    from ezrec.cli.group import ezrec

    try:
        guarded(ezrec)
    finally:
        gc.freeze()  # the interpreter would look through all of it before it drops it
