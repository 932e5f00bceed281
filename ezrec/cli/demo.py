"""`ezrec demo`"""

from __future__ import annotations

import json
import signal
import tempfile
import time
from pathlib import Path

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.live import follow
from ezrec.cli.seconds import Seconds
from ezrec.config import Config, load
from ezrec.errors import EzrecError
from ezrec.lifecycle import RECEIPT
from ezrec.recording import Recording
from ezrec.setup import CONFIG, make_station
from ezrec.statemachine import operate
from ezrec.statemachine.errors import RootUnusable, StateMachineError
from ezrec.station import Station

_PATIENCE = 20.0


@click.command("demo")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--seconds",
    type=Seconds(min=1, max=3600),
    default=5,
    show_default=True,
    help="How long to record.",
)
@click.option(
    "--cameras",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="How many cameras to make up.",
)
@common_options
@click.pass_obj
def demo_command(common: Common, directory: Path | None, seconds: float, cameras: int) -> None:
    """A recording through its whole life, while you watch.

    Makes a root in DIR (a new temporary directory, if none is given), records synthetic cameras with
    real ffmpeg, merges, archives. The last line on stdout is the path of the archived video.

    \b
    Examples:
      ezrec demo
      ezrec demo ./demo --seconds 10 --cameras 1
    """
    given = Path(common.root) if common.root and directory is None else directory
    root = _fresh(given)
    common.root = str(root)
    make_station(root)
    _interrupt_on_signals()
    with Station(_config(root, cameras)) as station:
        station.start()
        recording = station.new("demo", seconds=seconds, start_now=True)
        click.echo(f"recording {recording.path} for {seconds:g} s", err=True)
        try:
            state = follow(station, recording)
        except BaseException:
            _end_work(station, recording)
            raise
        if state != "completed":
            raise EzrecError(f"the demo ended {state}", "see: ezrec why demo")
        click.echo(archived(recording.path))


def _fresh(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="ezrec-demo-"))
    root = directory.absolute()
    try:
        if root.is_dir() and any(root.iterdir()):
            raise EzrecError(f"{root} is not empty", "name a directory that is new or empty")
    except OSError as error:
        raise RootUnusable(f"{root} can't be read: {error.strerror}") from error
    return root


def _interrupt_on_signals() -> None:
    """A terminal that is closed and a TERM end the demo as Ctrl-C does: nothing is left running."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def _end_work(station: Station, recording: Recording) -> None:
    """Start nothing more, end what runs, and wait until it has gone."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    click.echo("stopping …", err=True)
    station.stop()
    deadline = time.monotonic() + _PATIENCE
    while (shot := recording.snapshot()).leased and time.monotonic() < deadline:
        run = shot.history.run if shot.history else None
        if run is not None and run.cancelled is None:
            recording.stop()
        time.sleep(0.05)
    try:
        operate.settle(station.engine.world, recording.id)
    except (StateMachineError, OSError):
        pass  # the next look at this root does it
    click.echo(f"what was recorded is in {recording.path}", err=True)


def _config(root: Path, cameras: int) -> Config:
    """The root's own configuration, whatever this machine's environment says."""
    chosen = "0,1" if cameras == 2 else "0"
    return load(root / CONFIG, {"root": str(root), "cameras": chosen, "settle": "0"}, {})


def archived(recording: Path) -> str:
    """Where the receipt says that the video is."""
    receipt = json.loads((recording / RECEIPT).read_text())
    return str(receipt["path"])
