"""`ezrec push`, `retry`, `hold`, `release`, `stop`"""

from __future__ import annotations

import getpass
import sys

import click

from ezrec.cli.boundary import report
from ezrec.cli.group import Common, common_options, meant
from ezrec.cli.naming import named
from ezrec.config import Config
from ezrec.statemachine import operate
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.lifecycle import Lifecycle, State
from ezrec.statemachine.snapshot import Snapshot, snapshot
from ezrec.statemachine.world import World
from ezrec.station import Station
from ezrec.status import daemon_of

_TELL_PATIENCE = 70.0
_REC = click.argument("recording", metavar="REC")


def _by() -> str:
    try:
        return f"{getpass.getuser()} (ezrec)"
    except (KeyError, OSError):
        return "ezrec"


def _world(config: Config) -> World:
    """What it takes to act; when the command ends, the hooks that it has told are waited for."""
    station = Station(config)
    click.get_current_context().call_on_close(lambda: _finish(station))
    return station.engine.world


def _finish(station: Station) -> None:
    station.engine.worker.finish_telling(_TELL_PATIENCE)
    station.close()


def _say(common: Common, world: World, text: str, state: str) -> None:
    """What was done, and a word on who takes it from here."""
    click.echo(text)
    if world.lifecycle.stage_from(state) is not None and not daemon_of(world.root).running:
        click.echo(f"no daemon runs: {common.again} watch", err=True)


@click.command("push")
@_REC
@click.argument("state", metavar="STATE")
@click.option("--reason", default="", metavar="TEXT", help="Why: journaled.")
@click.option("--dry-run", is_flag=True, help="Say what it would say, and change nothing.")
@common_options
@click.pass_obj
def push_command(common: Common, recording: str, state: str, reason: str, dry_run: bool) -> None:
    """Force REC into STATE, named by itself or by its marker (`recorded`, `.done`, `done`).

    Work that runs is ended first. Works with and without a daemon.

    \b
    Examples:
      ezrec push court-1 recorded      merge it (again)
      ezrec push court-1 .completed --reason 'archived by hand'
    """
    world = _world(common.load())
    found = named(world.root, recording)
    wanted = _wanted(world.lifecycle, state)
    text = _pushed(snapshot(world, found, whole=True), wanted.name)
    if dry_run:
        click.echo("dry run, nothing is changed:", err=True)
    else:
        operate.push(world, found, wanted.name, _by(), reason)
    _say(common, world, text, wanted.name)


def _wanted(lifecycle: Lifecycle, text: str) -> State:
    wanted = lifecycle.named(text)
    if wanted is None:
        names = [each.name for each in lifecycle.states]
        said = f"there is no state {text!r}{meant(text, names)}; one of {', '.join(names)}"
        raise click.BadParameter(said, param_hint="STATE")
    return wanted


def _pushed(before: Snapshot, wanted: str) -> str:
    run = before.history.run if before.leased and before.history else None
    ended = f", {run.stage} is ended" if run else ""
    if before.state == wanted:
        return f"{before.id}: is {wanted} already, and begins anew{ended}"
    return f"{before.id}: {before.state or 'unreadable'} -> {wanted}{ended}"


@click.command("retry")
@click.argument("recordings", metavar="REC…", nargs=-1, required=True)
@common_options
@click.pass_obj
def retry_command(common: Common, recordings: tuple[str, ...]) -> None:
    """Try again: an error goes back to where it came from, a wait ends, attempts count anew.

    \b
    Example:
      ezrec retry court-1 court-2
    """
    world = _world(common.load())
    code = 0
    for text in recordings:
        try:
            found = named(world.root, text)
            state = operate.retry(world, found, _by())
        except (StateMachineError, OSError) as error:
            said = report(error, common.again)
            code = code or said
        else:
            _say(common, world, f"{found}: {state}, {_tried(common, world, found, state)}", state)
    sys.exit(code)


def _tried(common: Common, world: World, found: str, state: str) -> str:
    """What a retry has led to."""
    if world.lifecycle.stage_from(state) is None:
        again = f"{common.again} push {found} recording"
        return f"there is nothing to try again (to record: {again})"
    held = snapshot(world, found, whole=True).held
    return (
        f"tried again when it is released: {common.again} release {found}"
        if held
        else "tried again"
    )


@click.command("hold")
@_REC
@click.option("--reason", default="", metavar="TEXT", help="Why: written into .hold.")
@common_options
@click.pass_obj
def hold_command(common: Common, recording: str, reason: str) -> None:
    """Leave REC alone until it is released; a stage that runs is finished first.

    \b
    Example:
      ezrec hold court-1 --reason 'the customer asked us to wait'
    """
    world = _world(common.load_anyway())
    found = named(world.root, recording)
    new = operate.hold(world, found, _by(), reason)
    click.echo(f"{found}: held" if new else f"{found}: was held already")


@click.command("release")
@_REC
@common_options
@click.pass_obj
def release_command(common: Common, recording: str) -> None:
    """End the hold of REC.

    \b
    Example:
      ezrec release court-1
    """
    world = _world(common.load_anyway())
    found = named(world.root, recording)
    if operate.release(world, found):
        _say(common, world, f"{found}: released", snapshot(world, found, whole=True).state)
    else:
        click.echo(f"{found}: was not held")


@click.command("stop")
@_REC
@common_options
@click.pass_obj
def stop_command(common: Common, recording: str) -> None:
    """End the stage that runs in REC, gracefully.

    A capture keeps its footage, which goes on to be merged; any other stage is put on hold
    (`ezrec release` goes on).

    \b
    Example:
      ezrec stop court-1
    """
    world = _world(common.load_anyway())
    found = named(world.root, recording)
    stage = operate.stop(world, found, _by())
    click.echo(f"{found}: {stage} is told to stop" if stage else f"{found}: nothing runs")
    if stage and snapshot(world, found, whole=True).held:
        click.echo(f"it is held now; to go on: {common.again} release {found}", err=True)
