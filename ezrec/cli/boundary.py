"""The one place where a known failure becomes one sentence and an exit code (sysexits)."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import NoReturn

import click

from ezrec.cli.group import Common
from ezrec.errors import ConfigError, EzrecError
from ezrec.statemachine import errors
from ezrec.text import printable

EX_FAILURE = 1
EX_USAGE = 2
EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_TEMPFAIL = 75
EX_CONFIG = 78
EX_INTERRUPTED = 130

_CODES: tuple[tuple[type[errors.StateMachineError], int], ...] = (
    (errors.LifecycleError, EX_CONFIG),
    (errors.NameRefused, EX_DATAERR),
    (errors.NoSuchRecording, EX_DATAERR),
    (errors.DirectoryRefused, EX_UNAVAILABLE),
    (errors.RootUnusable, EX_UNAVAILABLE),
    (errors.RunnerUnavailable, EX_UNAVAILABLE),
    (errors.RootBusy, EX_TEMPFAIL),
    (errors.Leased, EX_TEMPFAIL),
)


def guarded(command: click.Command) -> NoReturn:
    """Run `command`; no failure that a user can cause ends in a traceback.

    A reader that has gone (`| head`) is click's: 1, quietly.
    """
    common = Common()
    try:
        code = command.main(standalone_mode=False, obj=common, color=_color())
    except click.UsageError as error:
        _show(error)
        code = EX_USAGE
    except (KeyboardInterrupt, click.Abort):
        code = EX_INTERRUPTED
    except (EzrecError, errors.StateMachineError, OSError) as error:
        code = report(error, common.again)
    sys.exit(code if isinstance(code, int) else 0)


def _show(error: click.UsageError) -> None:
    shown = io.StringIO()
    error.show(shown)
    click.echo(printable(shown.getvalue(), kept="\n"), nl=False, err=True)


def _color() -> bool | None:
    """None: on a terminal only."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return False if plain else None


def report(error: EzrecError | errors.StateMachineError | OSError, again: str = "ezrec") -> int:
    """Say it on stderr; the exit code. `again` is how this root is named in a command: hints that
    come from below know only the plain word."""
    if isinstance(error, OSError):
        _say([sentence(error)])
        return EX_UNAVAILABLE
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        _say(error.problems)
        return error.exit_code
    _say([error.message])
    if error.hint:
        hint = re.sub(_COMMAND, lambda match: f"{again} {match[1]}", error.hint)
        click.echo(f"       {printable(hint)}", err=True)
    if isinstance(error, EzrecError):
        return error.exit_code
    return next((code for kind, code in _CODES if isinstance(error, kind)), EX_FAILURE)


#: a command about the root that is named by options
_COMMAND = r"\bezrec (hold|push|release|retry|status|stop|watch|why)\b"


def _say(sentences: Iterable[str]) -> None:
    for text in sentences:
        click.echo(f"ezrec: {printable(text)}", err=True)


def sentence(error: OSError) -> str:
    """What the kernel refused, and what to do about it."""
    where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    what = f"{error.strerror or error}{where}"
    mends = {
        errno.ENOSPC: "the disk is full: make room, nothing was lost",
        errno.EDQUOT: "the quota is used up: make room, nothing was lost",
        errno.EROFS: "it is mounted read-only: mount it read-write, then say it again",
        errno.EACCES: "say it as the user that ezrec runs as",
        errno.EMFILE: "too many open files: raise the limit with ulimit -n",
    }
    hint = mends.get(error.errno or 0)
    return f"{what}: {hint}" if hint else what
