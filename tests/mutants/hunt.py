"""Which tests are asked about a mutant, in which order, and what is made of their answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.sites import Mutant
from tests.mutants.workshop import REPOSITORY, Workshop

#: the tests that are about a kind of protection, the quickest and most likely first
_ABOUT = {
    "fsync": ("tests/disk -k p02", "tests/disk -k p04", "tests/disk -k p01"),
    "lease": ("tests/process -k p11", "tests/ezrec/test_continuity.py", "tests/disk -k p01"),
    "no-replace": (
        "tests/hostile/test_last_moment.py",
        "tests/ezrec/test_operator.py",
        "tests/ezrec/test_sequences.py",
    ),
    "verify": (
        "tests/ezrec/test_hooks_run.py",
        "tests/ezrec/test_hostile_drops.py",
        "tests/ezrec/test_bad_input.py",
        "tests/ezrec/test_continuity.py",
        "tests/watching",
    ),
    "settle": ("tests/statemachine/test_decide.py", "tests/ezrec/test_drop_folder.py"),
    "O_NOFOLLOW": (
        "tests/hostile/test_last_moment.py",
        "tests/hostile -k p13",
        "tests/ezrec/test_hostile_drops.py",
    ),
}
#: the tests of a room whose modules have none that bear their name
_NEAR = {
    "ezrec/media": ("tests/ezrec/test_merge.py", "tests/ezrec/test_capture.py"),
    "ezrec/capture": ("tests/ezrec/test_capture.py", "tests/disk/test_running_capture.py"),
    "ezrec/cli": ("tests/ezrec/test_cli_commands.py", "tests/ezrec/test_why.py"),
    "ezrec": (
        "tests/ezrec/test_upload.py",
        "tests/ezrec/test_cli_commands.py",
        "tests/ezrec/test_repair.py",
    ),
    "statemachine": ("tests/statemachine",),
}
_EVERYTHING = "tests --ignore tests/mutants -n 2"
_SECONDS = 900.0
#: so many tests of a batch may fail in any case
_BROKEN = 4
#: all passed; the command line was refused (no such file); no test was chosen
_NOTHING_FAILED = (0, 4, 5)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::[^\n]*?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one mutant. `by` is the test that failed, or empty: it survived all of them."""

    mutant: Mutant
    by: str

    @property
    def line(self) -> str:
        return f"{'caught  ' if self.by else 'SURVIVED'} {self.mutant.name}  {self.by}"


def hunt(workshop: Workshop, mutant: Mutant, everything: bool = True) -> Verdict:
    """Ask one batch of tests after the other until one fails that passes with the protection in place."""
    for batch in batches(mutant, everything):
        by = _asked(workshop, mutant, batch.split())
        if by:
            return Verdict(mutant=mutant, by=by)
    return Verdict(mutant=mutant, by="")


def _asked(workshop: Workshop, mutant: Mutant, batch: list[str]) -> str:
    """The test that notices: it fails without the protection, passes with it, and fails without it once
    more. One that fails in any case, or by chance, says nothing: it is told, and the rest of the batch is
    asked without it."""
    for _ in range(_BROKEN):
        failed = _failed_without(workshop, mutant, batch)
        if not failed:
            return ""
        if workshop.run(failed, _SECONDS).returncode:
            said = "in any case"
        elif not _failed_without(workshop, mutant, failed):
            said = "by chance"
        else:
            return " ".join(failed)
        print(f"fails {said}: {' '.join(failed)}", flush=True)
        batch = [*batch, "--deselect", *failed]
    return ""


def _failed_without(workshop: Workshop, mutant: Mutant, batch: list[str]) -> list[str]:
    """The first test that fails, or the whole batch where pytest names none; empty where none fails."""
    with workshop.without(mutant):
        ended = workshop.run(batch, _SECONDS)
    if ended.returncode in _NOTHING_FAILED:
        return []
    failed = _FAILED.search(ended.stdout)
    return [failed[1]] if failed else batch


def batches(mutant: Mutant, everything: bool) -> Iterator[str]:
    """The module's own tests, those about this kind of protection, then all there are."""
    own = f"tests/{mutant.path.removesuffix('.py')}"
    stem = Path(own).name
    for folder in ("statemachine", "ezrec", "watching", "process", "disk"):
        for path in sorted((REPOSITORY / "tests" / folder).glob(f"test_*{stem}*.py")):
            yield str(path.relative_to(REPOSITORY))
    yield from _NEAR[str(Path(mutant.path).parent)]
    yield from _ABOUT[mutant.kind]
    if everything:
        yield _EVERYTHING
