"""`ezrec repair`"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from ezrec.archive import archive_path
from ezrec.cli.boundary import EX_FAILURE, report
from ezrec.cli.group import Common, common_options
from ezrec.cli.naming import named, refusal
from ezrec.repair import Plan, contents, remaining, repaired
from ezrec.repair import report as as_data
from ezrec.statemachine.errors import DirectoryRefused, NameRefused, RootUnusable
from ezrec.statemachine.mends import Mend, Who, lines
from ezrec.statemachine.root import Root
from ezrec.station import Station
from ezrec.status import daemon_of
from ezrec.text import printable

_TELL_PATIENCE = 70.0


@click.command("repair")
@click.argument("recordings", metavar="[REC]…", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what it would say, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, at the end.")
@common_options
@click.pass_obj
def repair_command(
    common: Common, recordings: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Find what is inconsistent, in REC or on the whole root, and mend it. No footage is ever lost.

    A line for each thing; what only a person can mend is said with the command. Leaves with 1 if such a
    thing remains, a dry run too. Works with and without a daemon; what is held or worked on is left alone.

    \b
    Examples:
      ezrec repair --dry-run
      ezrec repair
      ezrec repair court-1 --json | jq .mends
    """
    config = common.load()
    station = Station(config)
    world = station.engine.world
    try:
        _judge_root(world.root, dry_run)
        only = frozenset(_named(world.root, text) for text in recordings)
        seen = contents(world)
        if seen:
            time.sleep(config.settle.total_seconds())  # whether anything is being written
        archive = archive_path(config.upload.to, world.root.path)
        plan = Plan(rehearse=dry_run, seen=seen, archive=archive, ezrec=common.again, only=only)
        told, failed = _tell(common, repaired(world, plan), quiet=as_json)
        if as_json:
            click.echo(json.dumps(as_data(world, plan, told), indent=1))
        _conclude(world.root, told, dry_run)
    finally:
        station.engine.worker.finish_telling(_TELL_PATIENCE)
        station.close()
    sys.exit(EX_FAILURE if failed or remaining(told) else 0)


def _judge_root(root: Root, dry_run: bool) -> None:
    if not dry_run and not os.access(root.path, os.W_OK | os.X_OK):
        hint = "mount it read-write, or chown it; --dry-run only looks"
        raise RootUnusable(f"the root {root.path} can't be written", hint)


def _named(root: Root, text: str) -> str:
    """A recording's id; or, as it stands, a name that is refused and may be mended.

    Raises NoSuchRecording, NameRefused: that nothing is wrong must not be said of what is not there.
    """
    try:
        name = named(root, text)
    except NameRefused:
        found = refusal(root, text)
        if found is None:
            raise
        return str(Path(found.path).relative_to(root.path))
    with suppress(DirectoryRefused), root.opened(name):
        pass  # why it is refused, is a line of the repair
    return name


def _tell(common: Common, mends: Iterable[Mend], quiet: bool) -> tuple[list[Mend], bool]:
    """Print each as it comes; those that came, and whether the disk refused something."""
    told: list[Mend] = []
    try:
        for mend in mends:
            told.append(mend)
            for line in lines(mend) if not quiet else ():
                click.echo(printable(line))
    except OSError as error:
        report(error, common.again)
        return told, True
    return told, False


def _conclude(root: Root, told: list[Mend], dry_run: bool) -> None:
    if not told:
        click.echo("nothing is wrong", err=True)
    if daemon_of(root).running:
        click.echo("a daemon works on this root: what its markers mean, it tidies itself", err=True)
    if dry_run and any(mend.who is Who.EZREC for mend in told):
        click.echo("nothing was changed: say it without --dry-run", err=True)
