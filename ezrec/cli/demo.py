"""`ezrec demo`"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from ezrec.cli.live import follow
from ezrec.config import Config, load
from ezrec.errors import EzrecError
from ezrec.lifecycle import RECEIPT
from ezrec.setup import CONFIG, make_station
from ezrec.station import Station


@click.command("demo")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--seconds", type=click.FloatRange(min=1, max=3600), default=5, show_default=True)
@click.option("--cameras", type=click.IntRange(1, 2), default=2, show_default=True)
def demo_command(directory: Path | None, seconds: float, cameras: int) -> None:
    """A recording through its whole life, while you watch.

    Makes a root in DIR (a new temporary directory, if none is given), records synthetic cameras with
    real ffmpeg, merges, archives. The last line on stdout is the path of the archived video.
    """
    root = _fresh(directory)
    make_station(root)
    with Station(_config(root, cameras)) as station:
        station.start()
        recording = station.new("demo", seconds=seconds, start_now=True)
        click.echo(f"recording {recording.path} for {seconds:g} s", err=True)
        state = follow(station, recording)
        if state != "completed":
            raise EzrecError(f"the demo ended {state}", f"ezrec --root {root} why demo")
        click.echo(archived(recording.path))


def _fresh(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="ezrec-demo-"))
    root = directory.absolute()
    if root.exists() and any(root.iterdir()):
        raise EzrecError(f"{root} is not empty", "name a directory that is new or empty")
    return root


def _config(root: Path, cameras: int) -> Config:
    """The root's own configuration, whatever this machine's environment says."""
    chosen = "0,1" if cameras == 2 else "0"
    return load(root / CONFIG, {"root": str(root), "cameras": chosen, "settle": "0"}, {})


def archived(recording: Path) -> str:
    """Where the receipt says that the video is."""
    receipt = json.loads((recording / RECEIPT).read_text())
    return str(receipt["path"])
