"""`ezrec status` as a whole process, against a program that imports click and prints a line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ezrec.setup import make_station
from tests.bench.station import fill
from tests.bench.table import Row, Table, at_most, median
from tests.ezrec.station_fixture import EZREC

_BARE = """\
import click

@click.command()
def main():
    click.echo("a line")

main()
"""
#: besides the finished ones: what a person looks at the list for
_OTHERS = ((".done",), (".done",), (".merged",), (".error",), (".merge_error",), ())
_ROUNDS = {100: 31, 10_000: 11}
_TOLD = """\
Whole processes from start to end, in turn; the median of the ratios of each pair. The roots are as
`ezrec init` makes them; six recordings are on their way or have failed, all others are finished. No
daemon runs. Bytecode is there, files are in the cache."""


def table(place: Path) -> Table:
    """Ratios of wall time."""
    place.mkdir(parents=True)
    bare = place / "bare.py"
    bare.write_text(_BARE)
    rows = []
    for number, limit in ((100, 1.5), (10_000, 5.0)):
        root = place / f"root-{number}"
        _fill(root, number)
        command = [EZREC, "--root", str(root), "status"]
        ours, theirs = _in_turn((command, [sys.executable, str(bare)]), _ROUNDS[number])
        ratio = median([one / other for one, other in zip(ours, theirs, strict=True)])
        told = f"{1000 * median(ours):.0f} ms, the bare program {1000 * median(theirs):.0f} ms"
        rows.append(Row(what=f"{number} recordings", figure=told))
        rows.append(at_most(f"{number} recordings, ratio", ratio, limit, "{:.2f}x"))
    return Table(title="Status", told=_TOLD, rows=tuple(rows))


def _fill(root: Path, number: int) -> None:
    make_station(root)
    for each in range(number - len(_OTHERS)):
        fill(root / f"match-{each:06d}", ".completed")
    for each, markers in enumerate(_OTHERS):
        fill(root / f"open-{each}", *markers)


def _in_turn(commands: Sequence[list[str]], rounds: int) -> list[list[float]]:
    """Seconds of each command, the first round left out."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "EZREC_"))}
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(rounds + 1):
        for command, found in zip(commands, times, strict=True):
            found.append(_seconds(command, environment))
    return [found[1:] for found in times]


def _seconds(command: list[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    return time.perf_counter() - began
