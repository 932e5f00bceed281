"""`ezrec status`"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.table import table
from ezrec.statemachine.snapshot import Snapshot, snapshot, snapshots
from ezrec.statemachine.view import Scene
from ezrec.status import Daemon, daemon_of, status_json, status_rows

_EVERY = 0.5


@click.command("status")
@click.argument("recordings", metavar="[REC]…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--watch", is_flag=True, help="Again and again, until interrupted.")
@common_options
@click.pass_obj
def status_command(common: Common, recordings: tuple[str, ...], as_json: bool, watch: bool) -> None:
    """Every recording: its state, what is being done, and why it is not further.

    REC is an id, a bare name that is unique, or a path. Directories that can't be taken are shown with
    the command that mends them.
    """
    scene = common.scene()
    while True:
        shots = _shots(scene, recordings)
        daemon = daemon_of(scene.root)
        if watch and not as_json:
            click.clear()
        click.echo(_text(scene, daemon, shots, as_json))
        if not watch:
            return
        time.sleep(_EVERY)


def _shots(scene: Scene, recordings: Iterable[str]) -> list[Snapshot]:
    ids = [scene.root.find(text) for text in recordings]
    return [snapshot(scene, each, whole=True) for each in ids] if ids else list(snapshots(scene))


def _text(scene: Scene, daemon: Daemon, shots: list[Snapshot], as_json: bool) -> str:
    told = status_json(scene.root, scene.lifecycle, daemon, shots)
    if as_json:
        return json.dumps(told, indent=1)
    rows = status_rows(scene.lifecycle, daemon, shots)
    counts = ", ".join(f"{number} {state}" for state, number in told["counts"].items())
    head = f"{scene.root.path}: {_daemon(daemon)}; {counts or 'no recordings yet'}"
    if not rows:
        return head
    width = shutil.get_terminal_size((120, 0)).columns
    return head + "\n" + table(("RECORDING", "STATE", "NOW", "WHY"), rows, width)


def _daemon(daemon: Daemon) -> str:
    if not daemon.running:
        return "no daemon runs (ezrec watch)"
    how = {"inotify": "watching", "scanning": "blind, scanning"}.get(
        daemon.watching or "", "starting"
    )
    return f"daemon {daemon.pid or '?'} {how}"
