"""Cutting the power in a recorded trace: every state that may be left, given to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.disk.claims import Chronicle, Claims
from tests.disk.enumerator import Budget, Crash, Tree, crashes
from tests.disk.invariants import violations
from tests.disk.laboratory import Laboratory
from tests.disk.model import Model
from tests.disk.trace import Trace

Tried = set[tuple[Tree, tuple[Claims, ...], frozenset[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A state that breaks a promise: where the power failed, what was on the disk, and what is wrong."""

    crash: Crash
    problems: tuple[str, ...]

    def __str__(self) -> str:
        where = f"{self.crash.model.value}, cut behind step {self.crash.cut - 1}"
        return f"{where}: {'; '.join(self.problems)}"


class PowerCut:
    """One trace and one laboratory; a state is tried once under the same claims."""

    def __init__(self, trace: Trace, site: Path) -> None:
        self.trace = trace
        self.tried: Tried = set()
        self.cuts: set[tuple[Model, int]] = set()
        self._laboratory = Laboratory(site, trace)
        self._own_merge = any("output.publish" in step.site for step in trace.steps)

    def close(self) -> None:
        self._laboratory.close()

    def violations(
        self, model: Model, budget: Budget, *, without: tuple[int, ...] = ()
    ) -> Iterator[Violation]:
        """Each state that breaks a promise; `without` those syncs, from the first of them on."""
        chronicle = Chronicle(self.trace)  # what was told does not depend on what was synced
        trace = self.trace.without(without)
        claims: tuple[Claims, ...] = ()
        tells: frozenset[str] = frozenset()
        at = -1
        for crash in crashes(trace, model, budget, first=min(without, default=0) + 1):
            if crash.cut != at:
                at, claims = crash.cut, tuple(chronicle.all_claims(crash.cut))
                tells = chronicle.tells(crash.cut)
                self.cuts.add((model, at))
            key = (crash.tree, claims, tells)
            if key in self.tried:
                continue
            self.tried.add(key)
            problems = violations(
                self._laboratory, crash, list(claims), tells, own_merge=self._own_merge
            )
            if problems:
                yield Violation(crash=crash, problems=tuple(dict.fromkeys(problems)))
