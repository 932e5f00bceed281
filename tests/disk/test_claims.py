"""What a trace has told to the outside, on a trace that is small enough to be written down by hand."""

from __future__ import annotations

from ezrec.statemachine import journal
from tests.disk.claims import Chronicle
from tests.disk.model import EMPTY
from tests.disk.trace import Change, Data, Entry, Step, Trace

DAEMON, MINE, OTHERS = 1, 2, 3
ROOT, MATCH, LOGS, JOURNAL, REPORT, LOG = range(6)
RUN = "ab12"
LINE = journal.encode({"kind": "attempt", "run": RUN})


def step(pid: int, *changes: Change, call: str = "write") -> Step:
    return Step(
        role="daemon" if pid == DAEMON else "supervisor",
        pid=pid,
        call=call,
        name="",
        node=None,
        site=(),
        begun=0.0,
        ended=0.0,
        changes=changes,
    )


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
            step(DAEMON, *before),
            step(DAEMON, Data(JOURNAL, "line", 0)),
            step(OTHERS, Entry(LOGS, "on_merged.log", LOG)),
            step(DAEMON, call="sync"),
            step(MINE, Entry(LOGS, f".run-{RUN}.partial", REPORT)),
        ),
        inodes=(),
        blobs={EMPTY: b"", "line": LINE},
    )
    chronicle = Chronicle(trace)
    begun = [chronicle.all_claims(cut)[0].begun for cut in range(1, 6)]
    assert begun == [frozenset()] * 4 + [frozenset({RUN})]
