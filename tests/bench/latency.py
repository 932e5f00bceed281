"""From a dropped marker to the start of its hook, against `inotifywait | while read` in a shell."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.station import FROM, fill, is_checked, make_station, running, wait
from tests.bench.table import Row, Table, at_most, median, percentile

FINISHED = 10_000
ROUNDS = 200
_WARM = 5
#: the dead time between two drops: both sides are at rest again
_REST = 0.05
_LOOP = """\
inotifywait -m -r -q -e create -e moved_to --format %w%f {root} | while read -r path; do
  case "$path" in */{marker}) cd "${{path%/*}}" && {hook} ;; esac
done
"""
_TOLD = f"""\
A hook of one line (`/bin/sh`, it writes to a FIFO) is started by the daemon and by a shell loop
(`inotifywait -m -r | while read`), in turn, on two roots with {FINISHED} finished recordings each.
The footage has settled; the daemon has journaled the attempt durably before the hook starts, the
loop does nothing else."""


def table(place: Path) -> Table:
    """Times in milliseconds, of two hundred drops each."""
    ours, theirs = measure(place, ROUNDS, FINISHED)
    rows = [_row(name, times) for name, times in (("ezrec", ours), ("the shell loop", theirs))]
    more = median(ours) - median(theirs)
    rows.append(at_most("ezrec takes longer, at the median", more, 10, "{:.1f} ms"))
    tail = percentile(ours, 99) / median(ours)
    rows.append(at_most("ezrec's p99 over its median", tail, 4, "{:.1f}x"))
    return Table(title="Marker to hook", told=_TOLD, rows=tuple(rows))


def _row(name: str, times: list[float]) -> Row:
    told = (f"p{percent} {percentile(times, percent):.1f}" for percent in (50, 90, 99))
    return Row(what=f"{name}, ms", figure=", ".join(told))


def measure(place: Path, rounds: int, finished: int) -> tuple[list[float], list[float]]:
    """Milliseconds of ezrec and of the shell loop, one after the other in each round."""
    place.mkdir(parents=True)
    fifo = place / "started"
    os.mkfifo(fifo)
    hook = f"#!/bin/sh\necho >{shlex.quote(str(fifo))}\n"
    ours = make_station(place / "ezrec", hook, finished)
    theirs = make_station(place / "shell", hook, finished)
    drops = [f"drop-{number}" for number in range(rounds + _WARM)]
    for name in drops:
        fill(ours.root / name)
        fill(theirs.root / name)
    times: tuple[list[float], list[float]] = ([], [])
    with _opened(fifo) as reader, running(ours), _shell_loop(theirs.root, reader):
        for name in drops:
            for folder, found in zip((ours, theirs), times, strict=True):
                found.append(_time(folder.root / name, reader))
            _wait_for(ours.root / name)
    return times[0][_WARM:], times[1][_WARM:]


def _wait_for(place: Path) -> None:
    wait(lambda: is_checked(place))
    time.sleep(_REST)


def _time(drop: Path, reader: int) -> float:
    began = time.monotonic()
    (drop / FROM).touch()
    if not select.select([reader], [], [], 30)[0]:
        raise TimeoutError(f"no hook was started for {drop}")
    took = time.monotonic() - began
    os.read(reader, 64)
    time.sleep(_REST)
    return 1000 * took


@contextmanager
def _opened(fifo: Path) -> Iterator[int]:
    reader = os.open(fifo, os.O_RDWR)
    try:
        yield reader
    finally:
        os.close(reader)


@contextmanager
def _shell_loop(root: Path, reader: int) -> Iterator[None]:
    """Until it hears a marker: setting ten thousand watches takes it a while."""
    hook = shlex.quote(str(root / "hooks" / "check"))
    text = _LOOP.format(root=shlex.quote(str(root)), marker=FROM, hook=hook)
    with subprocess.Popen(["sh", "-c", text], start_new_session=True) as loop:
        try:
            fill(root / "probe")
            while not select.select([reader], [], [], 0.5)[0]:
                if loop.poll() is not None:
                    raise ChildProcessError("the shell loop has ended: is inotifywait there?")
                (root / "probe" / FROM).unlink(missing_ok=True)
                (root / "probe" / FROM).touch()
            os.read(reader, 64)
            yield
        finally:
            if loop.poll() is None:
                os.killpg(loop.pid, signal.SIGKILL)
