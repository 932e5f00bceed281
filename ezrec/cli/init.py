"""`ezrec init`"""

from __future__ import annotations

from pathlib import Path

import click

from ezrec.setup import make_station


@click.command("init")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def init_command(directory: Path) -> None:
    """Make DIR (here, if none is given) a recordings root.

    It gets its mark `.ezrec-root`, a commented `ezrec.yaml`, a directory `hooks` for the site's own hooks
    and a directory `archive`, where merged videos go until `upload.to` says otherwise. What is there
    already is left as it is.
    """
    root = directory.absolute()
    for line in make_station(root):
        click.echo(line, err=True)
    click.echo(root)
    click.echo(f"next: ezrec --root {root} watch", err=True)
