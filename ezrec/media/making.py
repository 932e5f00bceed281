"""One merged video out of open footage: decoded once, encoded once, and checked before it is told of."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ezrec.config.model import MergeSettings
from ezrec.errors import DataError, EzrecError, TryLater
from ezrec.media import argv, encoders, ffmpeg
from ezrec.media.argv import Source
from ezrec.media.encoders import X264
from ezrec.media.facts import Facts
from ezrec.media.gather import Part
from ezrec.media.graph import filter_graph
from ezrec.media.hardware import missing
from ezrec.media.plan import Plan
from ezrec.media.sound import sound_graph
from ezrec.media.verify import Expected, verify

#: told each block of ffmpeg's progress
Report = Callable[[dict[str, str]], None]
#: codecs of sound that an MP4 holds, and every player plays, as they are
_PLAYED = ("aac", "mp3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is to be made: the files, what becomes of them, how, and what is told meanwhile: `say` is for what
    a person should know of the result."""

    parts: Sequence[Part]
    plan: Plan
    settings: MergeSettings
    report: Report
    say: Callable[[str], None]


def make(making: Making, fd: int, name: str) -> str:
    """Write the video called `name` into the new file `fd`, and check it; `copy` or `encode`, as it was done.

    Raises TryLater where the disk is full, EzrecError where ffmpeg or the check of its work failed.
    """
    if can_be_copied(making):
        try:
            _write(making, fd, name, _remux(making.parts[0], making), _as_it_is(making))
            return "copy"
        except (DataError, TryLater):
            raise
        except EzrecError as error:
            making.say(f"the pictures can't be copied, so they are encoded: {error.message}")
    if why := missing(making.settings.encoder, making.plan):
        making.say(f"{making.settings.encoder} does not work here, x264 is used instead: {why}")
        making = replace(making, settings=making.settings._replace(encoder=X264))
    _write(making, fd, name, command(making), _as_planned(making))
    return "encode"


def can_be_copied(making: Making) -> bool:
    """Whether the one file is what was asked for as it is: its pictures need not be decoded."""
    if len(making.parts) != 1:
        return False
    facts, asked = making.parts[0].facts, making.settings
    plain = facts.codec == "h264" and facts.pixels in ("yuv420p", "yuvj420p")
    unturned = asked.rotate % 360 == 0 and asked.lens == (0.0, 0.0)
    fits = asked.height in (None, facts.height) and asked.size in (None, making.plan.canvas)
    timed = asked.rate in (None, making.plan.views[0].clips[0].facts.rate)
    return plain and unturned and fits and timed


Command = Callable[[Sequence[Source], str], list[str]]


def command(making: Making) -> Command:
    """ffmpeg's arguments for an encode, given its inputs and the path of its output."""
    sound = sound_graph(making.plan, making.settings.audio)
    graph = ";".join([filter_graph(making.plan), *sound])
    encoding = [
        *encoders.video_options(
            making.settings.encoder, making.settings.quality, making.plan.size, making.plan.rate
        ),
        *encoders.sound_options(bool(sound)),
    ]
    return lambda sources, target: argv.merge(sources, graph, encoding, target)


def _remux(part: Part, making: Making) -> Command:
    kept = bool(part.facts.audio) and making.settings.audio != "none"
    sound = ("copy" if part.facts.audio in _PLAYED else "aac") if kept else ""
    return lambda sources, target: argv.remux(sources[0], target, sound)


def shown(making: Making, target: str) -> str:
    """The command as a person would type it, for the log and a dry run."""
    sources = [Source(path=part.name, demuxer=part.demuxer) for part in making.parts]
    how = _remux(making.parts[0], making) if can_be_copied(making) else command(making)
    return shlex.join(["ffmpeg", *how(sources, target)])


def _write(making: Making, fd: int, name: str, build: Command, expected: Expected) -> None:
    sources = [Source(path=part.path, demuxer=part.demuxer) for part in making.parts]
    ffmpeg.run(
        [ffmpeg.find_ffmpeg(), *build(sources, f"/proc/self/fd/{fd}")],
        report=making.report,
        keep=[fd, *(part.fd for part in making.parts)],
    )
    if trouble := verify(fd, name, expected):
        raise EzrecError(trouble)


def _as_it_is(making: Making) -> Expected:
    facts: Facts = making.parts[0].facts
    return Expected(
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        seconds=facts.seconds,
        rate=facts.rate,
        streams=1 + (bool(facts.audio) and making.settings.audio != "none"),
    )


def _as_planned(making: Making) -> Expected:
    made = making.plan
    width, height = made.size
    return Expected(
        width=width,
        height=height,
        frames=made.frames,
        seconds=made.seconds,
        rate=made.rate,
        streams=1 + bool(sound_graph(made, making.settings.audio)),
    )
