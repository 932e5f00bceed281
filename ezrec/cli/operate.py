"""`ezrec push`, `retry`, `hold`, `release`, `stop`"""

from __future__ import annotations

import getpass

import click

from ezrec.cli.group import Common, common_options
from ezrec.statemachine import operate
from ezrec.statemachine.engine import Engine
from ezrec.statemachine.snapshot import snapshot
from ezrec.station import Station
from ezrec.status import daemon_of

_REC = click.argument("recording", metavar="REC")


def _by() -> str:
    try:
        return f"{getpass.getuser()} (ezrec)"
    except (KeyError, OSError):
        return "ezrec"


def _engine(common: Common) -> Engine:
    return Station(common.load()).engine


def _next(engine: Engine, recording: str) -> str:
    """A word on who takes it from here."""
    state = snapshot(engine.world, recording, whole=True).state
    waits = engine.world.lifecycle.stage_from(state) is not None
    if waits and not daemon_of(engine.world.root).running:
        return f"no daemon runs: ezrec --root {engine.world.root.path} watch"
    return ""


def _say(engine: Engine, recording: str, text: str) -> None:
    click.echo(text)
    if hint := _next(engine, recording):
        click.echo(hint, err=True)


@click.command("push")
@_REC
@click.argument("state")
@click.option("--reason", default="", metavar="TEXT", help="Why: journaled.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@common_options
@click.pass_obj
def push_command(common: Common, recording: str, state: str, reason: str, dry_run: bool) -> None:
    """Force REC into STATE, named by itself or by its marker (`recorded`, `.done`, `done`).

    Work that runs is ended first. Works with and without a daemon.
    """
    engine = _engine(common)
    found = engine.world.root.find(recording)
    wanted = engine.world.lifecycle.named(state)
    if wanted is None:
        names = ", ".join(each.name for each in engine.world.lifecycle.states)
        raise click.BadParameter(f"there is no state {state!r}; one of {names}", param_hint="STATE")
    if dry_run:
        now = snapshot(engine.world, found, whole=True)
        run = now.history.run if now.leased and now.history else None
        ends = f", and {run.stage} is ended" if run else ""
        click.echo(f"{found}: {now.state} would become {wanted.name}{ends}")
        return
    before = operate.push(engine.world, found, wanted.name, _by(), reason)
    _say(engine, found, f"{found}: {before} -> {wanted.name}")


@click.command("retry")
@click.argument("recordings", metavar="REC…", nargs=-1, required=True)
@common_options
@click.pass_obj
def retry_command(common: Common, recordings: tuple[str, ...]) -> None:
    """Try again: an error goes back to where it came from, a wait ends, attempts count anew."""
    engine = _engine(common)
    for found in [engine.world.root.find(text) for text in recordings]:
        state = operate.retry(engine.world, found, _by())
        _say(engine, found, f"{found}: {state}, tried again")


@click.command("hold")
@_REC
@click.option("--reason", default="", metavar="TEXT", help="Why: written into .hold.")
@common_options
@click.pass_obj
def hold_command(common: Common, recording: str, reason: str) -> None:
    """Leave REC alone until it is released; a stage that runs is finished first."""
    engine = _engine(common)
    found = engine.world.root.find(recording)
    new = operate.hold(engine.world, found, _by(), reason)
    click.echo(f"{found}: held" if new else f"{found}: was held already")


@click.command("release")
@_REC
@common_options
@click.pass_obj
def release_command(common: Common, recording: str) -> None:
    """End the hold of REC."""
    engine = _engine(common)
    found = engine.world.root.find(recording)
    was_held = operate.release(engine.world, found)
    _say(engine, found, f"{found}: released" if was_held else f"{found}: was not held")


@click.command("stop")
@_REC
@common_options
@click.pass_obj
def stop_command(common: Common, recording: str) -> None:
    """End the stage that runs in REC, gracefully.

    A capture keeps its footage, which goes on to be merged; any other stage is put on hold
    (`ezrec release` goes on).
    """
    engine = _engine(common)
    found = engine.world.root.find(recording)
    stage = operate.stop(engine.world, found, _by())
    click.echo(f"{found}: {stage} is told to stop" if stage else f"{found}: nothing runs")
