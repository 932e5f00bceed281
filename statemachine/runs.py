"""How one run of a hook is asked for and what is known of its end: data, and its two files in `logs/`."""

import errno
import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ezrec.statemachine import files, journal, parsing

PROGRESS = ".progress"
STATUS = ".run-"
#: bytes for the end of a run: they are set aside before it begins, and no end takes more
RESULT_ROOM = 8192
_MOST_NOTES = 32
_LIMIT = 1 << 16
EX_DATAERR = 65
EX_TEMPFAIL = 75
EX_CONFIG = 78
EX_SETUP = frozenset({EX_CONFIG, 126, 127})
#: What a disk, a share or the machine says when it, and not the recording, is in trouble.
WORLD = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    }
)


class Launch(NamedTuple):
    """A run of one or more commands, one after the other, in the recording's directory.

    `limit` and `grace` in seconds; `cap` is how many bytes of output go to `logs/<log>`; `idle` runs
    it at idle CPU and I/O priority. With `status` the end is written to `logs/.run-<run>`.
    """

    run: str
    commands: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str]
    document: str
    log: str
    title: str
    limit: float
    grace: float
    cap: int = 8 << 20
    idle: bool = False
    status: bool = True


class RunResult(NamedTuple):
    """How a run ended. `exit` is None where a signal ended it. `ended_by`: `itself`, `limit`, or
    `signal` (the supervisor was told to end it). `survivors` could not be killed."""

    run: str
    exit: int | None
    signal: int | None = None
    ended_by: str = "itself"
    command: str = ""
    notes: tuple[str, ...] = ()
    survivors: tuple[int, ...] = ()
    seconds: float = 0.0


class Progress(NamedTuple):
    """What a run says of itself while it goes on. `percent` is None until the hook has told it.

    `supervisor` and `started` (its start time in clock ticks since boot) name the process exactly, as
    do `nursery` and `nursery_started`. `begun`: a hook was started, or was about to be.
    """

    run: str
    supervisor: int
    started: int
    nursery: int = 0
    nursery_started: int = 0
    begun: bool = False
    hook: int = 0
    percent: float | None = None


_RESULT: parsing.Shape = {
    "run": parsing.is_text,
    "exit": parsing.is_code,
    "signal": parsing.is_code,
    "ended_by": lambda value: value in ("itself", "limit", "signal"),
    "command": parsing.is_text,
    "notes": parsing.is_list_of(parsing.is_text),
    "survivors": parsing.is_list_of(parsing.is_count),
    "seconds": parsing.is_amount,
}
_PROGRESS: parsing.Shape = {
    "run": parsing.is_text,
    "supervisor": parsing.is_count,
    "started": parsing.is_count,
    "nursery": parsing.is_count,
    "nursery_started": parsing.is_count,
    "begun": lambda value: isinstance(value, bool),
    "hook": parsing.is_count,
    "percent": lambda value: value is None or parsing.is_amount(value),
}


def new_run_id() -> str:
    """128 random bits: what every process of the run bears as EZREC_RUN_ID."""
    return os.urandom(16).hex()


def result_bytes(result: RunResult) -> bytes:
    """A result as its file has it: of more notes than there is room for, the first ones and the last,
    which is the reason."""
    notes = [*result.notes[:_MOST_NOTES], *result.notes[_MOST_NOTES:][-1:]]
    while len(data := _encoded(result, notes)) > RESULT_ROOM and notes:
        notes.pop(-2 if len(notes) > 1 else 0)
    return data


def _encoded(result: RunResult, notes: list[str]) -> bytes:
    return json.dumps(result._replace(notes=tuple(notes))._asdict()).encode()


def read_result(fd: int, run: str) -> RunResult | None:
    """The end of `run` in the recording `fd`, or None while it has not been written. Raises OSError where
    the disk or the machine can't tell just now: that is not the end of a run that left none."""
    record = _read(fd, STATUS + run)
    return _result(record) if record is not None and record.get("run") == run else None


def _result(record: Mapping[str, Any]) -> RunResult | None:
    """None where no supervisor of ours wrote it: a hook can reach the file, too."""
    known = parsing.shaped(record, _RESULT, frozenset({"run", "exit"}))
    if known is None:
        return None
    lists = {key: tuple(known.get(key, ())) for key in ("notes", "survivors")}
    return RunResult(**(known | lists))


def read_progress(fd: int) -> Progress | None:
    """What the run in the recording `fd` told last; None where nothing whole is there. Raises OSError as
    `read_result` does."""
    record = _read(fd, PROGRESS)
    if record is None:
        return None
    known = parsing.shaped(record, _PROGRESS, frozenset({"run", "supervisor", "started"}))
    return Progress(**known) if known is not None else None


def _read(fd: int, name: str) -> dict[str, Any] | None:
    try:
        with files.directory(journal.DIRECTORY, fd) as logs:
            record = parsing.parse(files.read(logs, name, _LIMIT))
    except ValueError:
        return None
    except OSError as error:
        if error.errno in WORLD:
            raise
        return None
    return record if isinstance(record, dict) else None


def forget(fd: int, run: str) -> None:
    """Remove the files of a run whose end is journaled."""
    try:
        with files.directory(journal.DIRECTORY, fd) as logs:
            for name in (STATUS + run, f"{STATUS}{run}.partial", PROGRESS):
                files.remove(logs, name)
    except FileNotFoundError:
        pass
