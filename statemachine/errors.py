"""The exceptions that a caller may catch. Each says what is wrong and, as a hint, what to do."""

from __future__ import annotations


class StateMachineError(Exception):
    """Base of everything this package raises on purpose.

    `message` is one sentence that says what is wrong; `hint` says what to do about it, or is empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class LifecycleError(StateMachineError):
    """The declaration of a lifecycle contradicts itself. Final until it is changed."""


class IllegalTransition(StateMachineError):
    """The machine refused a trigger: no such transition leads out of this state. Final."""


class NameRefused(StateMachineError):
    """A recording's id is not of the allowed form. Final: ids are refused, never cleaned."""


class NoSuchRecording(StateMachineError):
    """No directory, or more than one, answers to that id, bare name or path. Final."""


class DirectoryRefused(StateMachineError):
    """A directory that can't be taken: name, owner, mode, or what stands in it. Final until mended."""


class RootUnusable(StateMachineError):
    """The root does not exist, is not a root, or can't be written. May be retried once mended."""


class RootBusy(StateMachineError):
    """Another daemon has this root. May be retried when that one has stopped."""


class Leased(StateMachineError):
    """Somebody works in the recording just now. May be retried when its lease is free."""


class StartUncertain(StateMachineError):
    """Nobody knows whether a hook was started; the lease and the journal tell at the next look. Retry."""


class RunnerUnavailable(StateMachineError):
    """A hook could not be started because the process that starts hooks did not answer. Retry."""
