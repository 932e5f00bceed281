"""`ezrec init`"""

from __future__ import annotations

import os
from pathlib import Path

import click

from ezrec.cli.group import Common, common_options
from ezrec.setup import make_station
from ezrec.text import printable


@click.command("init")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@common_options
@click.pass_obj
def init_command(common: Common, directory: Path | None) -> None:
    """Make DIR (else --root, else EZREC_ROOT, else where you stand) a recordings root.

    It gets its mark `.ezrec-root`, a commented `ezrec.yaml`, a directory `hooks` for the site's own hooks
    and a directory `archive`, where merged videos go until `upload.to` says otherwise. What is there
    already is left as it is; directories that are there are recordings from then on.

    \b
    Example:
      ezrec init /srv/recordings
    """
    root = (directory or Path(common.root or os.environ.get("EZREC_ROOT") or ".")).absolute()
    for line in make_station(root):
        click.echo(printable(line), err=True)
    click.echo(root)
    common.root = str(root)
    click.echo(f"next: {common.again} watch", err=True)
