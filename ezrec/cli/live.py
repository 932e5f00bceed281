"""Watching one recording go through its life: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

import click

from ezrec.errors import Unavailable
from ezrec.recording import Recording
from ezrec.statemachine.lifecycle import IDLE
from ezrec.statemachine.snapshot import Snapshot
from ezrec.station import Station

_EVERY = 0.1
_BAR = 24


def follow(station: Station, recording: Recording) -> str:
    """Show it until it has come to rest; the state that it rests in."""
    live = sys.stderr.isatty()
    lifecycle = station.engine.world.lifecycle
    last = ""
    while True:
        shot = recording.snapshot()
        if trouble := station.engine.worker.tally.troubled.get(recording.id):
            raise Unavailable(f"the recording is stuck: {trouble}", f"see: ezrec why {shot.path}")
        last = _show(shot, last, live)
        rests = lifecycle.is_final(shot.state) or shot.state == IDLE
        if rests and not shot.leased:
            return shot.state
        time.sleep(_EVERY)


def _show(shot: Snapshot, last: str, live: bool) -> str:
    """Print what is new; what was printed."""
    line = f"{' '.join(shot.markers) or '-':<14} {shot.state}"
    percent = shot.progress.percent if shot.progress else None
    if live:
        click.echo(f"\r\x1b[2K{line:<28}{_bar(percent)}", nl=False, err=True)
        if line != last:
            click.echo(err=True)
    elif line != last:
        click.echo(line, err=True)
    return line


def _bar(percent: float | None) -> str:
    if percent is None:
        return ""
    full = round(_BAR * percent / 100)
    return f"[{'#' * full}{'.' * (_BAR - full)}] {percent:3.0f} %"
