"""Merging any files, without a recording around them: what `ezrec merge` does, for programs too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ezrec.config.model import MergeSettings
from ezrec.errors import DataError
from ezrec.media.aligning import Aligned, align
from ezrec.media.gather import Part, opened_part
from ezrec.media.making import Making, Report, make, shown
from ezrec.media.output import partial_output, publish, publish_new
from ezrec.media.plan import Plan, plan
from ezrec.media.views import Views, shortfalls
from ezrec.statemachine import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge that is ready to be made: `notes` are what a person should know of it."""

    views: Views
    aligned: Aligned
    plan: Plan
    settings: MergeSettings
    notes: tuple[str, ...]

    def command(self, out: Path) -> str:
        """The command line of ffmpeg that does the work."""
        return shown(self._making(_unheard, _unsaid), str(out))

    def run(
        self, out: Path, *, replace: bool = False, report: Report, say: Callable[[str], None]
    ) -> str:
        """Make `out`: whole and checked when it appears. Returns `copy` or `encode`, as it was done.

        Raises DataError where `out` is there already (but for `replace`), TryLater where the disk is
        full, EzrecError where ffmpeg or the check of its work failed.
        """
        with files.directory(out.absolute().parent) as home:
            if not replace and files.exists(home, out.name):
                raise _taken(out)
            with partial_output(home, out.name) as fd:
                method = make(self._making(report, say), fd, out.name)
                try:
                    (publish if replace else publish_new)(home, fd, out.name)
                except FileExistsError:
                    raise _taken(out) from None
        return method

    def _making(self, report: Report, say: Callable[[str], None]) -> Making:
        return Making(
            parts=self.views.all_parts,
            plan=self.plan,
            settings=self.settings,
            report=report,
            say=say,
        )


@contextmanager
def prepared(paths: Sequence[Path], settings: MergeSettings) -> Iterator[Merge]:
    """One file, or the left and the right one, open until the end of the with block.

    Raises DataError where one of them is no video that can be used.
    """
    parts: list[Part] = []
    try:
        for path in paths:
            parts.append(opened(path))
        used = parts[:1] if settings.layout == "single" else parts
        views = Views(
            names=tuple(part.name for part in used),
            parts=tuple((part,) for part in used),
            notes=(),
            one_camera=False,
        )
        aligned = align([[(part.facts, part.times)] for part in used])
        made = plan(aligned.cameras, settings)
        notes = (*aligned.notes, *shortfalls(views, made))
        yield Merge(views=views, aligned=aligned, plan=made, settings=settings, notes=notes)
    finally:
        for part in parts:
            os.close(part.fd)


def opened(path: Path) -> Part:
    """A video, open and looked at; links are followed: a person has named it. Close its `fd`.
    Raises DataError."""
    try:
        real = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"there is no file {path}") from None
    with files.directory(real.parent) as home:
        return opened_part(home, real.name)


def _taken(out: Path) -> DataError:
    return DataError(f"{out} is there already", "choose another name, or say --force")


def _unheard(_block: dict[str, str]) -> None:
    """Nobody listens."""


def _unsaid(_text: str) -> None:
    """Nothing to say."""
