"""How one run of a hook is asked for and what is known of its end: data, and its two files in `logs/`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ezrec.statemachine import files, journal

PROGRESS = ".progress"
STATUS = ".run-"
_LIMIT = 1 << 16
EX_OK = 0
EX_DATAERR = 65
EX_TEMPFAIL = 75
EX_CONFIG = 78
EX_SETUP = frozenset({EX_CONFIG, 126, 127})


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
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

    def words(self) -> str:
        """The end in words: `exit 3`, `killed by SIGKILL`, `over its limit`."""
        how = (
            f"exited {self.exit}" if self.exit is not None else f"was ended by signal {self.signal}"
        )
        return how + {"limit": ", over its time limit", "signal": ", told to stop"}.get(
            self.ended_by, ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a run says of itself while it goes on. `percent` is None until the hook has told it.

    `supervisor` and `started` (its start time in clock ticks since boot) name the process exactly.
    """

    run: str
    supervisor: int
    started: int
    hook: int = 0
    stage: str = ""
    percent: float | None = None
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def new_run_id() -> str:
    """128 random bits: what every process of the run bears as EZREC_RUN_ID."""
    return secrets.token_hex(16)


def result_bytes(result: RunResult) -> bytes:
    """A result as its file has it."""
    return json.dumps(asdict(result)).encode()


def read_result(fd: int, run: str) -> RunResult | None:
    """The end of `run` in the recording `fd`, or None while it has not been written."""
    record = _read(fd, STATUS + run)
    return _result(record) if record is not None and record.get("run") == run else None


def _result(record: Mapping[str, Any]) -> RunResult | None:
    known = {key: record[key] for key in RunResult.__dataclass_fields__ if key in record}
    for key in ("notes", "survivors"):
        known[key] = tuple(known[key]) if isinstance(known.get(key), list) else ()
    whole = "exit" in known and isinstance(known["exit"], int | None)
    return RunResult(**known) if whole else None


def read_progress(fd: int) -> Progress | None:
    """What the run in the recording `fd` told last; None where nothing whole is there."""
    record = _read(fd, PROGRESS)
    if record is None or not isinstance(record.get("supervisor"), int):
        return None
    known = {key: record[key] for key in Progress.__dataclass_fields__ if key in record}
    return Progress(**known) if {"run", "supervisor", "started"} <= known.keys() else None


def _read(fd: int, name: str) -> dict[str, Any] | None:
    try:
        with files.directory(journal.DIRECTORY, fd) as logs:
            record = json.loads(files.read(logs, name, _LIMIT))
    except (OSError, ValueError, RecursionError):
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
