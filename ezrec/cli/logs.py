"""`ezrec logs`"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from ezrec.cli.group import Common, common_options, meant
from ezrec.cli.naming import named
from ezrec.statemachine import files
from ezrec.statemachine.journal import DIRECTORY
from ezrec.statemachine.view import Scene

_EVERY = 0.3
_CHUNK = 1 << 16


@click.command("logs")
@click.argument("recording", metavar="REC")
@click.argument("stage", metavar="[STAGE]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows.")
@common_options
@click.pass_obj
def logs_command(common: Common, recording: str, stage: str | None, follow: bool) -> None:
    """What the hooks of REC printed: of STAGE, or of all stages in the order they were last written.

    \b
    Examples:
      ezrec logs court-1
      ezrec logs court-1 merge -f
    """
    scene = common.scene()
    found = named(scene.root, recording)
    names = _there(scene, found, stage)
    if not names:
        what = f"{stage} has printed nothing" if stage else "no hook has printed anything"
        click.echo(f"{found}: {what} yet", err=True)
    while follow and not names:
        time.sleep(_EVERY)
        names = _there(scene, found, stage)
    for name in names:
        if len(names) > 1:
            click.secho(f"==> {name} <==", err=True, bold=True)
        for chunk in _read(scene, found, name, follow and name == names[-1]):
            click.echo(chunk, nl=False)


def _there(scene: Scene, recording: str, stage: str | None) -> list[str]:
    """The logs that are meant and are there."""
    names = _names(scene, recording)
    if stage is None:
        return names
    known = [each.name for each in scene.lifecycle.stages]
    told = [name.removesuffix(".log") for name in names]
    if stage not in (*known, *told):
        known = list(dict.fromkeys([*known, *told]))
        said = f"there is no stage {stage!r}{meant(stage, known)}; one of {', '.join(known)}"
        raise click.BadParameter(said, param_hint="STAGE")
    return [name for name in names if name == f"{stage}.log"]


def _path(scene: Scene, recording: str) -> Path:
    return scene.root.path / recording / DIRECTORY


def _names(scene: Scene, recording: str) -> list[str]:
    logs = [path for path in _path(scene, recording).glob("*.log") if path.is_file()]
    return [path.name for path in sorted(logs, key=lambda path: path.stat().st_mtime_ns)]


def _read(scene: Scene, recording: str, name: str, follow: bool) -> Iterator[bytes]:
    with (
        scene.root.opened(recording) as fd,
        files.directory(DIRECTORY, fd) as logs,
        files.open_plain(logs, name, os.O_RDONLY) as log,
    ):
        while True:
            if chunk := os.read(log, _CHUNK):
                yield chunk
            elif follow:
                time.sleep(_EVERY)
            else:
                return
