"""From a dropped marker to the start of its hook, against `inotifywait | while read` in a shell."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.station import FROM, fill, is_checked, make_station, wait

_LOOP = """\
inotifywait -m -r -q -e create -e moved_to --format %w%f {root} | while read -r path; do
  case "$path" in */{marker}) cd "${{path%/*}}" && {hook} ;; esac
done
"""
Milliseconds = list[float]


def measure(place: Path, rounds: int, finished: int) -> tuple[Milliseconds, Milliseconds]:
    """The times of ezrec and of the shell loop, one after the other in each round."""
    place.mkdir(parents=True)
    fifo = place / "started"
    os.mkfifo(fifo)
    hook = f"#!/bin/sh\necho >{shlex.quote(str(fifo))}\n"
    ours = make_station(place / "ezrec", hook, finished)
    theirs = make_station(place / "shell", hook, finished)
    for number in range(rounds):
        fill(ours.root / f"drop-{number}")
        fill(theirs.root / f"drop-{number}")
    reader = os.open(fifo, os.O_RDWR)
    times: tuple[Milliseconds, Milliseconds] = ([], [])
    with ours.daemon(), _shell_loop(theirs.root, theirs.root / "hooks" / "check"):
        for number in range(-3, rounds):
            name = f"drop-{number}" if number >= 0 else f"finished-{-number:06d}"
            for folder, found in ((ours, times[0]), (theirs, times[1])):
                took = _time(folder.root / name, reader)
                if number >= 0:
                    found.append(took)
            wait(lambda: is_checked(ours.root / name))  # noqa: B023
    os.close(reader)
    return times


def _time(drop: Path, reader: int) -> float:
    if (drop / ".checked").exists():
        (drop / ".checked").unlink()
        time.sleep(0.1)
    time.sleep(0.02)
    began = time.monotonic()
    (drop / FROM).touch()
    if not select.select([reader], [], [], 30)[0]:
        raise TimeoutError(f"no hook was started for {drop}")
    took = time.monotonic() - began
    os.read(reader, 16)
    return 1000 * took


@contextmanager
def _shell_loop(root: Path, hook: Path) -> Iterator[None]:
    text = _LOOP.format(root=shlex.quote(str(root)), marker=FROM, hook=shlex.quote(str(hook)))
    with subprocess.Popen(["sh", "-c", text], start_new_session=True) as loop:
        time.sleep(1.5)
        try:
            yield
        finally:
            os.killpg(loop.pid, signal.SIGKILL)


if __name__ == "__main__":
    import shutil
    import statistics

    p = Path("/tmp/w/bx/lat")
    shutil.rmtree(p, ignore_errors=True)
    a, b = measure(p, int(sys.argv[1]), int(sys.argv[2]))
    for n, x in (("ezrec", a), ("shell", b)):
        x.sort()
        print(
            n,
            "p10",
            round(x[int(len(x) * 0.1)], 2),
            "p50",
            round(statistics.median(x), 2),
            "p90",
            round(x[int(len(x) * 0.9)], 2),
            "p99",
            round(x[int(len(x) * 0.99)], 2),
            "max",
            round(x[-1], 2),
            "min",
            round(x[0], 2),
        )
