"""What a trace has told to the outside, on a trace that is small enough to be written down by hand."""

from __future__ import annotations

from ezrec.statemachine import journal
from tests.disk.claims import Chronicle
from tests.disk.handmade import step
from tests.disk.model import EMPTY
from tests.disk.trace import Change, Data, Entry, Trace

MINE, OTHERS = 2, 3
ROOT, MATCH, LOGS, JOURNAL, REPORT, LOG = range(6)
RUN = "ab12"
LINE = journal.encode({"kind": "attempt", "run": RUN})


def test_an_attempt_is_begun_once_its_own_supervisor_is_at_work() -> None:
    """The supervisor of a tell writes while the attempt's line is on its way to the disk: that tells
    nobody of the attempt."""
    before: list[Change] = [
        Entry(ROOT, "match", MATCH),
        Entry(MATCH, "logs", LOGS),
        Entry(LOGS, "journal", JOURNAL),
        Data(JOURNAL, EMPTY, 0),
    ]
    trace = Trace(
        steps=(
            step(*before),
            step(Data(JOURNAL, "line", 0)),
            step(Entry(LOGS, "on_merged.log", LOG), role="supervisor", pid=OTHERS),
            step(call="sync"),
            step(Entry(LOGS, f".run-{RUN}.partial", REPORT), role="supervisor", pid=MINE),
        ),
        inodes=(),
        blobs={EMPTY: b"", "line": LINE},
    )
    chronicle = Chronicle(trace)
    begun = [chronicle.all_claims(cut)[0].begun for cut in range(1, 6)]
    assert begun == [frozenset()] * 4 + [frozenset({RUN})]
