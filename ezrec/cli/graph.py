"""`ezrec graph`"""

from __future__ import annotations

import click

from ezrec.cli.group import Common, common_options
from ezrec.graph import mermaid, table
from ezrec.lifecycle import RECORDING, lifecycle_for


@click.command("graph")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "table"]),
    default="mermaid",
    show_default=True,
    help="A Mermaid state diagram, or a Markdown table.",
)
@common_options
@click.pass_obj
def graph_command(common: Common, form: str) -> None:
    """The lifecycle as this site has configured it; ezrec's own where no root is named.

    \b
    Examples:
      ezrec graph > lifecycle.mmd
      ezrec graph --format table
    """
    config = common.load()
    lifecycle = lifecycle_for(config) if config.stages else RECORDING
    click.echo(mermaid(lifecycle) if form == "mermaid" else table(lifecycle))
