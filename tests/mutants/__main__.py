"""`python -m tests.mutants [WORD…]`: every protection taken out, one at a time (P18).

With words only those mutants whose name has one of them. Leaves with 1 where an fsync or a lease can be
taken out unnoticed, or more than one in twenty of all.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.hunt import Verdict, hunt
from tests.mutants.sites import Mutant
from tests.mutants.workshop import Workshop, all_mutants

_WORKERS = 2
_NEEDED = 0.95


def main(words: list[str]) -> int:
    """Hunt in two copies at once; say each verdict as it comes."""
    chosen = [each for each in all_mutants() if not words or any(w in each.name for w in words)]
    with tempfile.TemporaryDirectory(prefix="ezrec-mutants-") as home:
        free: SimpleQueue[Workshop] = SimpleQueue()
        for number in range(_WORKERS):
            free.put(Workshop(Path(home) / f"copy-{number}"))
        with ThreadPoolExecutor(_WORKERS) as pool:
            verdicts = list(pool.map(lambda mutant: _hunted(free, mutant), chosen))
    return _told(verdicts)


def _hunted(free: SimpleQueue[Workshop], mutant: Mutant) -> Verdict:
    workshop = free.get()
    try:
        verdict = hunt(workshop, mutant)
    finally:
        free.put(workshop)
    print(verdict.line, flush=True)
    return verdict


def _told(verdicts: list[Verdict]) -> int:
    made = Counter(verdict.mutant.kind for verdict in verdicts)
    caught = Counter(verdict.mutant.kind for verdict in verdicts if verdict.by)
    for kind in made:
        print(f"{kind}: {caught[kind]} of {made[kind]}")
    print(f"all: {caught.total()} of {made.total()}")
    whole = all(caught[kind] == made[kind] for kind in ("fsync", "lease"))
    return 0 if whole and caught.total() >= _NEEDED * made.total() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
