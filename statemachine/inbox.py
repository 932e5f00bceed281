"""Where hints arrive, from any thread, until the loop takes them up."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Mail:
    """What has arrived: recordings that may have changed, runs that ended, and whether to scan."""

    recordings: dict[str, None] = field(default_factory=dict)
    runs: list[tuple[str, int]] = field(default_factory=list)
    rescan: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    id: str
    code: int


@dataclass(frozen=True, slots=True)
class _Wake:
    """Nothing has changed but the loop's own state."""


class Inbox:
    """A queue that can be put into from a signal handler too."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str | _Run | _Wake | None] = queue.SimpleQueue()

    def hint(self, recording: str | None) -> None:
        """This recording may have changed (None: any may have)."""
        self._queue.put(recording)

    def run_ended(self, run: str, code: int) -> None:
        """This run's supervisor has ended: with 0, an errno, or a signal's number, negative."""
        self._queue.put(_Run(run, code))

    def wake(self) -> None:
        """Let the loop look at its own state."""
        self._queue.put(_Wake())

    def is_empty(self) -> bool:
        """Whether nothing has arrived."""
        return self._queue.empty()

    def take(self, timeout: float) -> Mail:
        """All that has arrived, waiting up to `timeout` seconds for the first."""
        mail = Mail()
        try:
            self._sort(mail, self._queue.get(timeout=max(0.0, timeout)))
            while True:
                self._sort(mail, self._queue.get_nowait())
        except queue.Empty:
            return mail

    def _sort(self, mail: Mail, letter: str | _Run | _Wake | None) -> None:
        match letter:
            case None:
                mail.rescan = True
            case str():
                mail.recordings[letter] = None
            case _Run(run, code):
                mail.runs.append((run, code))
            case _Wake():
                pass
