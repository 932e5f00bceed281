"""`ezrec logs`"""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections.abc import Iterable, Iterator

import click

from ezrec.cli.group import Common, common_options, meant
from ezrec.cli.naming import named
from ezrec.statemachine import files
from ezrec.statemachine.journal import DIRECTORY
from ezrec.statemachine.view import Scene
from ezrec.text import printable

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
            click.secho(f"==> {printable(name)} <==", err=True, bold=True)
        for chunk in _shown(_read(scene, found, name, follow and name == names[-1])):
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


def _names(scene: Scene, recording: str) -> list[str]:
    """Regular files alone: a link that bears a log's name is passed over."""
    with scene.root.opened(recording) as fd:
        try:
            with files.directory(DIRECTORY, fd) as logs:
                entries = files.entries(logs)
        except FileNotFoundError:
            return []
    found = [each for each in entries if each[0].endswith(".log") and files.is_plain(each[1])]
    return [name for name, _ in sorted(found, key=lambda each: each[1].st_mtime_ns)]


def _shown(chunks: Iterable[bytes]) -> Iterator[bytes | str]:
    """As it is, for a program that reads on; a person's terminal is not driven by what a hook printed."""
    if not sys.stdout.isatty():
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for chunk in chunks:
        yield printable(decoder.decode(chunk), kept="\n\t")
    yield printable(decoder.decode(b"", final=True), kept="\n\t")


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
