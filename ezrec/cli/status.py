"""`ezrec status`"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.table import table, terminal_width
from ezrec.statemachine.snapshot import Finished, Snapshot, census
from ezrec.statemachine.view import Scene
from ezrec.status import Daemon, counted, daemon_of, status_json, status_rows
from ezrec.text import printable

_EVERY = 0.5
#: that many finished recordings are listed beside the others; of more, only their number is told
_FEW = 20

Met = Sequence[Snapshot | Finished]


@click.command("status")
@click.argument("recordings", metavar="[REC]…", nargs=-1)
@click.option(
    "--json", "as_json", is_flag=True, help="As JSON; with --watch one line for each look."
)
@click.option("--all", "every", is_flag=True, help="List the finished ones too, however many.")
@click.option("--watch", is_flag=True, help="Again and again, until interrupted.")
@common_options
@click.pass_obj
def status_command(
    common: Common, recordings: tuple[str, ...], as_json: bool, every: bool, watch: bool
) -> None:
    """Every recording: its state, what is being done, and why it is not further.

    REC is an id, a bare name that is unique, or a path. Directories that can't be taken are shown with
    the command that mends them. Where many are finished, those are only counted.

    \b
    Examples:
      ezrec status
      ezrec status --watch
      ezrec status --json | jq .counts
    """
    scene = common.scene()
    while True:
        met: Met = _named(scene, recordings) if recordings else list(census(scene))
        daemon = daemon_of(scene.root)
        if watch and not as_json:
            click.clear()
        click.echo(
            _json(scene, daemon, met, watch)
            if as_json
            else _text(common, scene, daemon, met, every)
        )
        if not watch:
            return
        time.sleep(_EVERY)


def _named(scene: Scene, recordings: Sequence[str]) -> list[Snapshot]:
    from ezrec.cli.naming import seen  # only where somebody names one

    return [seen(scene, text) for text in recordings]


def _json(scene: Scene, daemon: Daemon, met: Met, one_line: bool) -> str:
    told = status_json(scene.root, scene.lifecycle, daemon, _whole(scene, met))
    return json.dumps(told, indent=None if one_line else 1)


def _whole(scene: Scene, met: Met) -> list[Snapshot]:
    return [each.snapshot(scene) if isinstance(each, Finished) else each for each in met]


def _text(common: Common, scene: Scene, daemon: Daemon, met: Met, every: bool) -> str:
    again = common.again
    lines = [f"{printable(str(scene.root.path))}: {_daemon(daemon, again)}; {_numbers(met)}"]
    open_ones = [each for each in met if not isinstance(each, Finished)]
    finished = len(met) - len(open_ones)
    hidden = 0 if every or finished <= _FEW else finished
    shots = open_ones if hidden else _whole(scene, met)
    if rows := status_rows(scene.lifecycle, daemon, shots):
        lines.append(table(("RECORDING", "STATE", "NOW", "WHY"), rows, terminal_width()))
    if hidden:
        lines.append(f"{hidden} finished ones are not listed: {again} status --all")
    if mends := [shot.mend for shot in shots if shot.mend]:
        lines += ["To mend what can't be taken:", *(f"  {printable(mend)}" for mend in mends)]
    return "\n".join(lines)


def _numbers(met: Met) -> str:
    states = counted(each.state for each in met)
    refused = len(met) - sum(states.values())
    numbers = [f"{number} {state}" for state, number in states.items()]
    return (
        ", ".join([*numbers, f"{refused} refused"] if refused else numbers) or "no recordings yet"
    )


def _daemon(daemon: Daemon, again: str) -> str:
    if not daemon.running:
        return f"no daemon runs ({again} watch)"
    how = {"inotify": "watching", "scanning": "blind, scanning"}.get(
        daemon.watching or "", "starting"
    )
    return f"daemon {daemon.pid or '?'} {how}"
