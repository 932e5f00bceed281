"""What the daemon costs with 1,000, 10,000 and 100,000 finished recordings.

The real daemon, cold in memory, with the files in the cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ezrec.statemachine.watches import BUDGET
from tests.bench.table import Row, Table, at_most
from tests.bench.tree import finished
from tests.ezrec.station_fixture import EZREC
from tests.waiting import wait_until

_TICKS = os.sysconf("SC_CLK_TCK")
_HOOK = '#!/bin/sh\n: > "${EZREC_ROOT%/*}/started-${EZREC_RECORDING_ID##*/}"\nexit 65\n'
_CONFIG = "settle: 0 s\n"
_IDLE = 65.0  # a scan falls into it
TREES = ((1_000, False), (10_000, True), (100_000, False), (100_000, True))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds, MiB, percent of one CPU."""

    number: int
    first_newest: float
    first_oldest: float
    looked: float
    rss: float
    peak: float
    watches: int
    idle: float
    marker: float
    marker_unwatched: float


_TOLD = """\
The daemon is started on a root of finished recordings with one more that bears `.done`, made last or
seemingly first of all; then it idles for {idle:.0f} s, and a marker is dropped into the newest and into
the oldest recording. Beyond {budget:,} finished ones the scan alone notices, every 60 s."""


class Watched:
    """The daemon on a root, and the hooks' traces beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.begun = time.monotonic()
        argv = [EZREC, "--root", str(root), "watch"]
        self.log = (root.parent / "log").open("w+")
        self.process = subprocess.Popen(argv, stderr=self.log)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def has_looked(self) -> bool:
        return "watching " in (self.root.parent / "log").read_text()

    def started(self, recording: str) -> bool:
        return (self.root.parent / f"started-{Path(recording).name}").exists()

    def since(self) -> float:
        return time.monotonic() - self.begun

    def cpu(self) -> float:
        """Seconds of CPU that it has had, without its children."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self, what: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024

    def watches(self) -> int:
        told = Path(f"/proc/{self.process.pid}/fdinfo").iterdir()
        return sum(line.startswith("inotify ") for each in told for line in _lines(each))


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return ()


def drop(place: Path, *, long_ago: bool = False) -> None:
    """A recording with `.done`, made now, or seemingly before all others."""
    place.mkdir()
    (place / "camera_0.mp4").write_bytes(b"footage")
    (place / ".done").touch()
    if long_ago:
        os.utime(place, (1, 1))


def first_action(root: Path, name: str, *, long_ago: bool) -> float:
    """Seconds from the start of the process to the start of the hook of a drop."""
    drop(root / name, long_ago=long_ago)
    daemon = Watched(root)
    wait_until(lambda: daemon.started(name), 120)
    seconds = daemon.since()
    daemon.end()
    return seconds


def acted_on(daemon: Watched, recording: str) -> float:
    """Seconds from `touch .done` in a finished recording to the start of its hook."""
    begun = time.monotonic()
    (daemon.root / recording / ".done").touch()
    wait_until(lambda: daemon.started(recording), 120)
    return time.monotonic() - begun


def measure(site: Path, number: int, *, dates: bool, idle: float) -> Cost:
    """Make a tree, measure, and remove it."""
    site.mkdir(parents=True)
    root = site / "root"
    ids = finished(root, number, dates=dates)
    (root / "ezrec.yaml").write_text(_CONFIG)
    (root / "hooks").mkdir(exist_ok=True)
    (root / "hooks" / "merge.sh").write_text(_HOOK)
    (root / "hooks" / "merge.sh").chmod(0o755)
    newest = first_action(root, "dropped-last", long_ago=False)
    oldest = first_action(root, "dropped-first", long_ago=True)
    daemon = Watched(root)
    wait_until(daemon.has_looked, 120)
    looked = daemon.since()
    time.sleep(2)  # the first checks
    before, begun = daemon.cpu(), time.monotonic()
    time.sleep(idle)
    busy = (daemon.cpu() - before) / (time.monotonic() - begun) * 100
    cost = Cost(
        number=number,
        first_newest=newest,
        first_oldest=oldest,
        looked=looked,
        rss=daemon.memory("VmRSS"),
        peak=daemon.memory("VmHWM"),
        watches=daemon.watches(),
        idle=busy,
        marker=acted_on(daemon, ids[-1]),
        marker_unwatched=acted_on(daemon, ids[0]),
    )
    daemon.end()
    shutil.rmtree(site)
    return cost


def table(place: Path) -> Table:
    """Start, memory, watches and idling for each tree."""
    rows: list[Row] = []
    for number, dates in TREES:
        cost = measure(place / f"{number}-{dates}", number, dates=dates, idle=_IDLE)
        rows += _rows(cost, f"{number:,} {'below dates' if dates else 'flat'}")
    told = _TOLD.format(idle=_IDLE, budget=BUDGET)
    return Table(title="A hundred thousand finished recordings", told=told, rows=tuple(rows))


def _rows(cost: Cost, tree: str) -> Sequence[Row]:
    marker = 1.0 if cost.number <= BUDGET else 60.0
    return (
        at_most(f"{tree}: start to first hook, made last", cost.first_newest, 3.0, "{:.2f} s"),
        at_most(f"{tree}: start to first hook, made first", cost.first_oldest, 3.0, "{:.2f} s"),
        Row(what=f"{tree}: start until all is looked at", figure=f"{cost.looked:.2f} s"),
        at_most(f"{tree}: RSS", cost.rss, 120.0, "{:.0f} MiB"),
        Row(what=f"{tree}: watches", figure=f"{cost.watches:,}"),
        at_most(f"{tree}: idle CPU", cost.idle, 2.0, "{:.1f} %"),
        at_most(f"{tree}: marker to hook, newest", cost.marker, 1.0, "{:.2f} s"),
        at_most(f"{tree}: marker to hook, oldest", cost.marker_unwatched, marker, "{:.2f} s"),
    )
