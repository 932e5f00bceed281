"""`ezrec status`"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.naming import seen
from ezrec.cli.table import table
from ezrec.statemachine.snapshot import Snapshot, snapshots
from ezrec.statemachine.view import Scene
from ezrec.status import Daemon, daemon_of, status_json, status_rows
from ezrec.text import printable

_EVERY = 0.5


@click.command("status")
@click.argument("recordings", metavar="[REC]…", nargs=-1)
@click.option(
    "--json", "as_json", is_flag=True, help="As JSON; with --watch one line for each look."
)
@click.option("--watch", is_flag=True, help="Again and again, until interrupted.")
@common_options
@click.pass_obj
def status_command(common: Common, recordings: tuple[str, ...], as_json: bool, watch: bool) -> None:
    """Every recording: its state, what is being done, and why it is not further.

    REC is an id, a bare name that is unique, or a path. Directories that can't be taken are shown with
    the command that mends them.

    \b
    Examples:
      ezrec status
      ezrec status --watch
      ezrec status --json | jq .counts
    """
    scene = common.scene()
    while True:
        shots = _shots(scene, recordings)
        daemon = daemon_of(scene.root)
        told = status_json(scene.root, scene.lifecycle, daemon, shots)
        if watch and not as_json:
            click.clear()
        if as_json:
            click.echo(json.dumps(told, indent=None if watch else 1))
        else:
            click.echo(_text(common, scene, daemon, shots, told["counts"]))
        if not watch:
            return
        time.sleep(_EVERY)


def _shots(scene: Scene, recordings: Iterable[str]) -> list[Snapshot]:
    return [seen(scene, text) for text in recordings] or list(snapshots(scene))


def _text(
    common: Common, scene: Scene, daemon: Daemon, shots: list[Snapshot], counts: dict[str, int]
) -> str:
    refused = sum(not shot.state for shot in shots)
    numbers = [f"{number} {state}" for state, number in counts.items()]
    numbers += [f"{refused} refused"] if refused else []
    told = ", ".join(numbers) or "no recordings yet"
    lines = [f"{printable(str(scene.root.path))}: {_daemon(common, daemon)}; {told}"]
    if rows := status_rows(scene.lifecycle, daemon, shots):
        width = shutil.get_terminal_size((120, 0)).columns
        lines.append(table(("RECORDING", "STATE", "NOW", "WHY"), rows, width))
    if mends := [shot.mend for shot in shots if shot.mend]:
        lines += ["To mend what can't be taken:", *(f"  {printable(mend)}" for mend in mends)]
    return "\n".join(lines)


def _daemon(common: Common, daemon: Daemon) -> str:
    if not daemon.running:
        return f"no daemon runs ({common.again} watch)"
    how = {"inotify": "watching", "scanning": "blind, scanning"}.get(
        daemon.watching or "", "starting"
    )
    return f"daemon {daemon.pid or '?'} {how}"
