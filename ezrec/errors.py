"""ezrec's own exceptions, each with the exit code (sysexits) that the command line gives it."""

from __future__ import annotations

from typing import ClassVar


class EzrecError(Exception):
    """Base of what ezrec raises on purpose: one sentence, and a hint that says what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class DataError(EzrecError):
    """The input is bad for good: no retry helps (65, EX_DATAERR)."""

    exit_code = 65


class Unavailable(EzrecError):
    """A program or a place that is needed is not there. May be retried once it is (69, EX_UNAVAILABLE)."""

    exit_code = 69


class TryLater(EzrecError):
    """The world is away: the same call may succeed later (75, EX_TEMPFAIL)."""

    exit_code = 75


class ConfigError(EzrecError):
    """The set-up is wrong: final until it is mended. `problems` has one sentence for each fault
    (78, EX_CONFIG)."""

    exit_code = 78

    def __init__(self, message: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems or (message,)
