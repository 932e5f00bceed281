"""Watching one recording go through its life: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
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
_CLEAR = "\r\x1b[2K"


def follow(station: Station, recording: Recording) -> str:
    """Show it until it has come to rest; the state that it rests in."""
    lifecycle = station.engine.world.lifecycle
    view = _View(sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    try:
        while True:
            shot = recording.snapshot()
            if trouble := station.engine.worker.tally.troubled.get(recording.id):
                raise Unavailable(f"the recording is stuck: {trouble}", f"see: ezrec why {shot.id}")
            view.show(shot)
            rests = lifecycle.is_final(shot.state) or shot.state == IDLE
            if rests and not shot.leased:
                return shot.state
            time.sleep(_EVERY)
    finally:
        view.close()


class _View:
    def __init__(self, live: bool) -> None:
        self._live = live
        self._last = ""

    def show(self, shot: Snapshot) -> None:
        """A line for each change; on a terminal, below it, how far the work is."""
        line = f"{' '.join(shot.markers) or '-':<14} {shot.state}"
        if line != self._last:
            click.echo(f"{_CLEAR}{line}" if self._live else line, err=True)
            self._last = line
        if self._live:
            click.echo(_CLEAR + _work(shot), nl=False, err=True)

    def close(self) -> None:
        if self._live:
            click.echo(_CLEAR, nl=False, err=True)


def _work(shot: Snapshot) -> str:
    run = shot.history.run if shot.history and shot.leased else None
    percent = shot.progress.percent if shot.progress else None
    if run is None or percent is None:
        return ""
    full = round(_BAR * min(max(percent, 0), 100) / 100)
    return f"  {run.stage:<10} [{'#' * full}{'.' * (_BAR - full)}] {percent:3.0f} %"
