"""Two thousand drops at once, with hooks of no work: how fast they are done, and what the daemon keeps."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.bench.station import FROM, TO, fill, is_checked, make_station, running, wait
from tests.bench.table import Row, Table, at_most
from tests.ezrec.station_fixture import Folder

DROPS = 2_000
_BEFORE = 50
_TOLD = f"""\
{DROPS} recordings are moved into the root, each with its marker, while the daemon watches; the
hook is `#!/bin/sh` and `exit 0`. Memory is the daemon's RSS; before: {_BEFORE} drops had been done, so
that everything was loaded."""


def table(place: Path) -> Table:
    """Drops a second, and memory after over before."""
    folder = make_station(place, "#!/bin/sh\nexit 0\n", finished=0)
    with running(folder) as daemon:
        _drop(folder, "before", _BEFORE)
        before = _memory(daemon.process.pid)
        seconds = _drop(folder, "drop", DROPS)
        after = _memory(daemon.process.pid)
    done = sum(is_checked(each) for each in folder.root.glob("drop-*"))
    rows = (
        Row(what="drops done", figure=f"{done} of {DROPS}", goal="all", met=done == DROPS),
        Row(what="drops a second", figure=f"{DROPS / seconds:.0f}"),
        Row(what="memory before and after", figure=f"{before:.1f} and {after:.1f} MiB"),
        at_most("memory after over before", after / before, 1.3, "{:.2f}x"),
    )
    return Table(title="A burst of drops", told=_TOLD, rows=rows)


def _drop(folder: Folder, name: str, number: int) -> float:
    """Seconds from the first to the last one's end."""
    aside = folder.site / f"aside-{name}"
    places = [folder.root / f"{name}-{each}" for each in range(number)]
    for place in places:
        fill(aside / place.name, FROM)
    began = time.monotonic()
    for place in places:
        (aside / place.name).rename(place)
    waiting = places
    while waiting:
        wait(lambda: (waiting[-1] / TO).exists(), seconds=600)  # noqa: B023  # called at once
        waiting = [place for place in waiting if not is_checked(place)]
        time.sleep(0.05)
    return time.monotonic() - began


def _memory(pid: int) -> float:
    """RSS in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
