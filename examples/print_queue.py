"""A lifecycle that has nothing to do with video: a print queue.

    python print_queue.py DIR

Each job is a directory; `touch .print` in it sends it to the printer, which is the shell script
print_queue/print. A job that jams the printer is tried again, and then waits for a person.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from ezrec.statemachine import Engine, Lifecycle, Stage, State, make_root

PRINT_QUEUE = Lifecycle(
    name="print queue",
    states=(
        State(name="idle", marker=None, summary="somebody is still writing"),
        State(name="queued", marker=".print", summary="to be printed"),
        State(name="printed", marker=".printed", summary="it lies in the tray"),
        State(name="jammed", marker=".jammed", error=True, summary="waits for a person"),
    ),
    stages=(
        Stage(
            name="print",
            source="queued",
            working="printing",
            ok="printed",
            exhausted="jammed",
            refused="jammed",
            outputs=("sheets",),
            attempts=2,
            timeout=timedelta(minutes=1),
            backoff=timedelta(milliseconds=100),
        ),
    ),
    payload=("*.txt",),
)


def main(root: Path) -> None:
    make_root(root)
    hooks = Path(__file__).parent / "print_queue"
    engine = Engine(root, PRINT_QUEUE, (hooks,), settle=timedelta(milliseconds=200))
    changes = engine.changes()
    engine.start()  # in a thread; no signal handler is installed
    jobs = {"letter": "Dear reader,\n", "poster": "JAM\n"}
    for name, text in jobs.items():
        (root / name).mkdir()
        (root / name / "page.txt").write_text(text)
        (root / name / ".print").touch()
    for change in changes:
        print(change.recording, "is", change.state, change.reason, flush=True)
        if PRINT_QUEUE.is_final(change.state):
            del jobs[change.recording]
        if not jobs:
            break
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
