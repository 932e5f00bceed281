"""`ezrec probe`"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from ezrec.cli.boundary import EX_DATAERR
from ezrec.cli.group import common_options
from ezrec.cli.table import table, terminal_width
from ezrec.errors import DataError
from ezrec.merging import opened

_HEAD = ("FILE", "KIND", "PICTURE", "RATE", "LENGTH", "SOUND", "REMARKS")


@click.command("probe")
@click.argument("paths", metavar="FILE…", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@common_options
def probe_command(paths: tuple[str, ...], as_json: bool) -> None:
    """What is in video files: counted, not believed. Every packet is read, what is cut off is told.

    Leaves with 65 if one of them is no video that can be merged.

    \b
    Examples:
      ezrec probe camera_0.mp4 camera_1.mp4
      ezrec probe --json *.mp4 | jq '.[].frames'
    """
    found = [_facts(Path(path)) for path in paths]
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo(table(_HEAD, [_row(each) for each in found], terminal_width()))
    sys.exit(EX_DATAERR if any(each["problem"] for each in found) else 0)


def _facts(path: Path) -> dict[str, Any]:
    try:
        part = opened(path)
    except DataError as error:
        return {"file": str(path), "problem": str(error)}
    os.close(part.fd)
    facts = part.facts
    return {
        "file": str(path),
        "problem": None,
        "container": facts.container,
        "codec": facts.codec,
        "pixels": facts.pixels,
        "width": facts.width,
        "height": facts.height,
        "rotation": facts.rotation,
        "rate": round(float(facts.rate), 3),
        "variable_rate": facts.variable,
        "seconds": round(facts.seconds, 3),
        "frames": facts.frames,
        "audio": facts.audio or None,
        "begins": round(facts.begins, 6),
        "missing_bytes": facts.missing,
        "frame_times": part.times.clock if part.times else None,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    if facts["problem"]:
        return (facts["file"], "refused", "", "", "", "", facts["problem"])
    rate = f"{facts['rate']:g}" + (" variable" if facts["variable_rate"] else "")
    return (
        facts["file"],
        f"{facts['codec']} in {facts['container']}",
        f"{facts['width']}x{facts['height']}",
        rate,
        f"{facts['seconds']:.2f} s, {facts['frames']} frames",
        facts["audio"] or "none",
        "; ".join(_remarks(facts)),
    )


def _remarks(facts: dict[str, Any]) -> list[str]:
    said = []
    if facts["pixels"] not in ("yuv420p", "yuvj420p"):
        said.append(facts["pixels"])
    if facts["rotation"]:
        said.append(f"turned by {facts['rotation']} degrees")
    if facts["missing_bytes"]:
        said.append(f"cut off: {facts['missing_bytes']} bytes are missing")
    if facts["frame_times"]:
        said.append("with frame times")
    return said
