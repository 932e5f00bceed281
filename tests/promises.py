"""What ezrec promises, and which tests prove it: the table of docs/promises.md is made from here.

A promise is listed only if tests bear its number (`test_p05_…`); there is no other way onto the page.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
_NUMBERED = re.compile(r"test_p(\d\d)_")

WORDS = {
    1: "`kill -9` of the daemon, a supervisor or a hook, at any point, loses no footage and no state, and "
    "archives nothing twice",
    2: "a power cut costs at most 4 s of the running capture, and never a settled recording (a file system "
    "like ext4, a disk that honours fsync)",
    3: "a full, failing or read-only disk, a used-up quota, no more descriptors: it stops, keeps what there "
    "is, says so in one line, and resumes when it is over",
    4: "a failed fsync is never tried again and called good: the step is done over",
    5: "a dropped marker is acted on, whether the daemon was up, down or starting, or its watcher dead, "
    "overflowed, out of watches, or its root away for a while",
    6: "a dead watcher is noticed within 15 s; without it the engine scans, and says so",
    8: "no state, order, lease, attempt or backoff depends on the wall clock",
    9: "no hook outlives its limit and grace, and nothing that it has started does",
    10: "a poisoned recording stops after its attempts, even if each of them kills the daemon; a reboot in "
    "mid-attempt is an interruption, not an attempt",
    11: "a second daemon on a root is refused; where it runs all the same, no stage runs twice at once",
    12: "what the markers mean is total, free of order and idempotent",
    13: "nothing that a recording's name or contents can choose is written or read outside the root",
    14: "no secret is in argv, in a log, a journal, a marker or an answer, nor in the environment of a hook "
    "that did not ask for it",
    15: "what it costs grows with what is in flight, not with what is finished",
    16: "a torn or flipped journal costs history, never state",
    17: "a dry run says exactly what the real run does",
    18: "these tests have teeth: each fsync, lease, check and no-replace taken out is noticed",
}


def proofs() -> dict[int, dict[str, int]]:
    """Promise -> file -> how many test functions there bear its number."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (named := _NUMBERED.match(node.name)):
                of = found[int(named[1])]
                place = str(path.relative_to(TESTS.parent))
                of[place] = of.get(place, 0) + 1
    return dict(found)


def table() -> str:
    """The promises that have tests, and where these are."""
    rows = ["| # | promise | proved by |", "| --- | --- | --- |"]
    for number, files in sorted(proofs().items()):
        where = ", ".join(f"[{Path(name).name}](../{name})" for name in files)
        rows.append(f"| P{number} | {WORDS[number]} | {where} |")
    return "\n".join(rows)
