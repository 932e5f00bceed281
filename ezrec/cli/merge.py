"""`ezrec merge`"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, get_args, get_type_hints

import click

from ezrec.cli.group import Common, common_options
from ezrec.config.model import MergeSettings
from ezrec.errors import DataError
from ezrec.media import ffmpeg
from ezrec.media.making import Report
from ezrec.merging import Merge, prepared
from ezrec.text import printable

_HINTS = get_type_hints(MergeSettings)
_TERMINATED = 143


def _choice(name: str) -> click.Choice[str]:
    return click.Choice(get_args(_HINTS[name]))


@click.command("merge")
@click.argument("paths", metavar="LEFT [RIGHT] OUT", nargs=-1, required=True)
@click.option("--layout", type=_choice("layout"), help="How two views become one.")
@click.option("--quality", type=_choice("quality"), help="How much work for how small a file.")
@click.option("--height", metavar="native|N", help="What the views are scaled to, in pixels.")
@click.option("--size", metavar="WxH", help="What the merged picture is fitted into.")
@click.option("--rate", metavar="N", help="Frames a second.")
@click.option("--feather", metavar="PX", help="The width of the blended seam.")
@click.option("--rotate", metavar="DEGREES", help="Turn every view clockwise.")
@click.option("--lens", metavar="'K1 K2'", help="Radial correction of wide lenses.")
@click.option("--audio", type=_choice("audio"), help="Whose sound is kept.")
@click.option("--encoder", type=_choice("encoder"), help="What encodes.")
@click.option("-f", "--force", is_flag=True, help="Replace OUT, if it is there.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and ffmpeg's command.")
@common_options
@click.pass_obj
def merge_command(
    common: Common, /, paths: tuple[str, ...], force: bool, dry_run: bool, **told: str | None
) -> None:
    """Merge one or two videos into OUT: decoded once, encoded once, checked.

    Any files, no recordings root is needed; what the configuration says under `merge:` holds where no
    option says otherwise. The inputs stay as they are. OUT appears when it is whole.

    \b
    Examples:
      ezrec merge left.mp4 right.mp4 match.mp4
      ezrec merge left.mp4 right.mp4 match.mp4 --layout stacked --height 720 --quality small
      ezrec merge only.mkv only.mp4
    """
    *sources, out = map(Path, paths)
    if len(sources) not in (1, 2):
        raise click.UsageError("say one or two videos, then the file to be made")
    settings = common.load(**{f"merge.{key}": value for key, value in told.items() if value}).merge
    _judge(sources, out)
    with _stopped_by_term(), prepared(sources, settings) as merge:
        for note in merge.notes:
            click.echo(f"ezrec: {printable(note)}", err=True)
        if dry_run:
            click.echo(_said(merge, out))
            click.echo(printable(merge.command(out)))
            return
        with _bar(merge) as report:
            method = merge.run(out, replace=force, report=report, say=_tell)
        click.echo(f"{_said(merge, out)}, {'copied' if method == 'copy' else 'encoded'}")


def _judge(sources: list[Path], out: Path) -> None:
    if not out.absolute().parent.is_dir():
        raise DataError(f"there is no directory {out.absolute().parent}", "make it first")
    if out.suffix.lower() not in (".mp4", ".m4v"):
        raise DataError(f"{out} is no name of an MP4 file", "call it something.mp4")
    for source in sources:
        if out.exists() and source.exists() and out.samefile(source):
            raise DataError(f"{out} is one of the inputs", "inputs are never written to")


def _said(merge: Merge, out: Path) -> str:
    made = merge.plan
    width, height = made.size
    length = f"{made.seconds:.1f} s, {made.frames} frames at {float(made.rate):g} a second"
    return printable(f"{out}: {width}x{height}, {length}")


def _tell(text: str) -> None:
    click.echo(f"ezrec: {printable(text)}", err=True)


@contextmanager
def _bar(merge: Merge) -> Iterator[Report]:
    """How far it is, how fast, and how long yet; on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _block: None
        return
    with click.progressbar(
        length=merge.plan.frames, file=sys.stderr, show_percent=True, item_show_func=_speed
    ) as bar:

        def report(block: dict[str, str]) -> None:
            done = min(ffmpeg.number(block, "frame"), merge.plan.frames)
            bar.update(done - bar.pos, block.get("speed", ""))

        yield report


def _speed(speed: str | None) -> str:
    return speed if speed and speed != "N/A" else ""


@contextmanager
def _stopped_by_term() -> Iterator[None]:
    """SIGTERM takes away what is half done, as Ctrl-C does."""

    def stop(_number: int, _frame: object) -> NoReturn:
        sys.exit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
