"""ffmpeg's command lines, without the program's own name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COMMON = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "warning")
PROGRESS = ("-progress", "pipe:1", "-stats_period", "0.5")
#: Fragments of one group of pictures: what was written stays playable, however it ends. The header
#: comes with the first of them: a file that has no picture yet is empty, and so no footage.
CRASH_SAFE = (
    *("-movflags", "+frag_keyframe+empty_moov+delay_moov+default_base_moof"),
    *("-flush_packets", "1", "-f", "mp4"),
)
FASTSTART = ("-movflags", "+faststart", "-f", "mp4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An input: a path, and the demuxer that it is read with."""

    path: str
    demuxer: str


def inputs(sources: Sequence[Source]) -> list[str]:
    """Each input with its demuxer said, and no protocol but files."""
    return [
        word
        for source in sources
        for word in (
            *("-protocol_whitelist", "file", "-f", source.demuxer),
            *("-i", f"file:{source.path}"),
        )
    ]


def merge(sources: Sequence[Source], graph: str, encoding: Sequence[str], target: str) -> list[str]:
    """Decode the inputs through `graph`, encode its `[out]`, and `[sound]` if it has that, once."""
    labels = ["[out]", *(["[sound]"] if "[sound]" in graph else [])]
    return [
        *COMMON,
        *PROGRESS,
        *inputs(sources),
        *("-filter_complex", graph),
        *(word for label in labels for word in ("-map", label)),
        *encoding,
        *("-map_metadata", "-1", *FASTSTART, "-y", f"file:{target}"),
    ]


def remux(source: Source, target: str, sound: str = "") -> list[str]:
    """The same pictures in a new container: nothing is decoded. `sound`: `copy`, or a codec; else none."""
    kept = ("-map", "0:a:0", "-c:a", sound) if sound else ("-an",)
    return [
        *COMMON,
        *PROGRESS,
        *inputs([source]),
        *("-map", "0:v:0", "-c:v", "copy", *kept, "-avoid_negative_ts", "make_zero"),
        *("-map_metadata", "-1", *FASTSTART, "-y", f"file:{target}"),
    ]
