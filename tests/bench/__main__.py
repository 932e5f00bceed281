"""python -m tests.bench [--write] [PART …]: every part, or these; with `--write` into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import re
import tempfile
from pathlib import Path

from tests.bench import burst, latency, reconcile, scale, status
from tests.bench.table import Table

PARTS = {
    "latency": latency.table,
    "reconcile": reconcile.table,
    "status": status.table,
    "burst": burst.table,
    "scale": scale.table,
}
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HEAD = """\
# Benchmarks

Figures of one run on one machine, written by `make bench ARGS=--write`. `make bench` prints them anew,
some of them with `make bench ARGS="latency status"`. It takes about ten minutes on a machine that does
nothing else, and wants `inotifywait` (of inotify-tools). What counts was measured side by side: ratios,
and differences of medians. Seconds of their own depend on the machine.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    parser.add_argument(
        "--place", help="where the roots are made (else below the temporary directory)"
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    told = parser.parse_args()
    if unknown := set(told.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    tables = []
    for name in told.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="ezrec-bench-", dir=told.place) as place:
            tables.append(PARTS[name](Path(place) / name))
        print(tables[-1].markdown(), flush=True)
    if told.write:
        _write(tables)
    return int(any(row.met is False for each in tables for row in each.rows))


def _write(tables: list[Table]) -> None:
    """Parts that were not run keep the figures that they had."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    had = {part.partition("\n")[0]: part for part in re.split(r"^(?=## )", text, flags=re.M)[1:]}
    now = {f"## {each.title}": each.markdown() for each in tables}
    parts = {heading: part.strip() + "\n" for heading, part in {**had, **now}.items()}
    PAGE.write_text("\n".join([_HEAD, _machine(), *parts.values()]), "utf-8")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"Measured with Python {platform.python_version()} on {platform.system()} {platform.machine()},"
        f" {os.cpu_count()} processors, {memory:.0f} GiB of memory.\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
