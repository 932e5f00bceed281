"""`ezrec new`"""

from __future__ import annotations

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.seconds import Seconds
from ezrec.create import create
from ezrec.status import daemon_of


@click.command("new")
@click.argument("recording", metavar="ID")
@click.option("--seconds", type=Seconds(min=0.1, max=604800), help="How long to record.")
@click.option("--booking-id", help="The booking that it belongs to.")
@click.option("--user-id", help="Whose recording it is.")
@click.option("--start-now", is_flag=True, help="Start the cameras at once.")
@common_options
@click.pass_obj
def new_command(
    common: Common,
    recording: str,
    seconds: float | None,
    booking_id: str | None,
    user_id: str | None,
    start_now: bool,
) -> None:
    """Make a recording's directory: ID, or YYYY-MM-DD/ID below a date.

    Without --start-now it is idle: put videos into it and `touch .done`, or `touch .lock` to record.

    \b
    Examples:
      ezrec new 2026-11-23/court-1 --seconds 3600 --booking-id 4711 --start-now
      ezrec new dropped && cp *.mp4 $EZREC_ROOT/dropped/ && touch $EZREC_ROOT/dropped/.done
    """
    scene = common.scene()
    told = {"booking_id": booking_id, "user_id": user_id, "seconds": seconds}
    fields = {key: value for key, value in told.items() if value is not None}
    create(scene, recording, fields, start_now=start_now)
    click.echo(scene.root.path / recording)
    if start_now and not daemon_of(scene.root).running:
        click.echo(f"no daemon runs: {common.again} watch", err=True)
