"""What this daemon knows of the runs that it has started itself, from their start to their taking up."""

from __future__ import annotations

import os
from collections import Counter

from ezrec.statemachine.runs import WORLD

#: a look is taken four times a second
_MOST_LOOKS = 40


class Minded:
    """The runs whose end the runner will tell, and how their supervisors ended.

    It is not on the disk, for it is of use where the disk took nothing: the next daemon, which knows
    none of it, takes a supervisor without an end for one that was killed.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int | None] = {}
        self._looks: Counter[str] = Counter()
        self._overdue: set[str] = set()
        self._whys: dict[str, str] = {}

    def begun(self, run: str) -> None:
        """From now on its end is waited for."""
        self._codes[run] = None

    def ended(self, run: str, code: int) -> None:
        """Its supervisor ended with 0, an errno, or a signal's number, negative."""
        if run in self._codes:
            self._codes[run] = code

    def is_awaited(self, run: str) -> bool:
        """Whether its end is still to be told: before that nobody can say why it left no result. Asked of a
        run whose lease is free, so it comes in a moment; where it has not come by then, it never will."""
        self._looks[run] += 1
        return self._codes.get(run, 0) is None and self._looks[run] <= _MOST_LOOKS

    def world_fault(self, run: str) -> str:
        """What the disk or the machine refused to its supervisor, which ended of it; else empty."""
        code = self._codes.get(run)
        return os.strerror(code) if code in WORLD else ""

    def is_newly_overdue(self, run: str) -> bool:
        """Whether this is asked of it for the first time: looked at four times a second, it is said once."""
        known = run in self._overdue
        self._overdue.add(run)
        return not known

    def is_news(self, recording: str, why: str) -> bool:
        """Whether the last run in a recording was minded well (`why` is empty), or ended for another reason:
        the same one, at each attempt anew, is said once."""
        before = self._whys.pop(recording, "")
        if why:
            self._whys[recording] = why
        return why not in ("", before)

    def forget(self, run: str) -> None:
        """It is taken up, or was not started at all."""
        self._codes.pop(run, None)
        self._looks.pop(run, None)
        self._overdue.discard(run)
