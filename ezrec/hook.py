"""What a Python hook stands on: the job it is given, the lines it says, and its one error boundary.

The contract is `docs/hooks.md`: one JSON document on stdin, the recording as the working directory,
`ezrec:progress` and `ezrec:note` lines on stdout, and an exit code after sysexits.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from ezrec.errors import ConfigError, EzrecError
from ezrec.job import Job
from ezrec.statemachine.runs import WORLD

__all__ = ["Job", "note", "progress", "run_hook"]

TRY_LATER = 75
INTERRUPTED = 130
TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM, as an exception: `finally` blocks tidy up on its way to `run_hook`."""


def progress(percent: float) -> None:
    """Tell the supervisor how far this stage is, 0 to 100."""
    say(f"ezrec:progress {min(max(percent, 0.0), 100.0):.1f}")


def note(text: str) -> None:
    """Tell people something that is kept with the recording; line ends become spaces."""
    say("ezrec:note " + " ".join(text.split()))


def say(line: str) -> None:
    """A line for the log. A log that nobody reads any more stops no work."""
    try:
        sys.stdout.write(line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass


def run_hook(function: Callable[[Job], None]) -> NoReturn:
    """Read the job from stdin, do it, and exit as the contract says.

    An EzrecError becomes its sentence, on stderr and as a note (so that the marker and `ezrec why` give
    it as the reason), and its own exit code, a full or broken disk 75, any other OSError 1, TERM 143 and
    Ctrl-C 130. Anything else is a bug and leaves its traceback.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        function(read_job())
    except EzrecError as error:
        note(str(error))
        leave(error.exit_code, str(error))
    except OSError as error:
        note(describe(error))
        leave(TRY_LATER if error.errno in WORLD else 1, describe(error))
    except Terminated:
        leave(TERMINATED, "stopped by SIGTERM")
    except KeyboardInterrupt:
        leave(INTERRUPTED, "interrupted")
    sys.exit(0)


def read_job() -> Job:
    """The job on stdin. Raises ConfigError: without one there is nothing that a retry could mend."""
    if sys.stdin.isatty():
        raise ConfigError("a hook reads its job as JSON from stdin", "let ezrec run it")
    return Job.from_json(sys.stdin.buffer.read())


def describe(error: OSError) -> str:
    """An OSError as one sentence: what happened, and to which file or on whose disk."""
    place = error.filename if error.filename is not None else f"on the disk of {os.getcwd()}"
    return f"{place}: {error.strerror or error}"


def leave(code: int, sentence: str) -> NoReturn:
    """Say why on stderr, and exit at once with `code`."""
    print(sentence.encode("utf-8", "backslashreplace").decode("utf-8"), file=sys.stderr, flush=True)
    sys.exit(code)


def _terminate(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated(f"signal {number} in process {os.getpid()}")
