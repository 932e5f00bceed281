"""The stage `merge`: one verified `merged.mp4` out of the cameras' footage, which stays as it is."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from ezrec import document
from ezrec.errors import DataError, EzrecError, TryLater
from ezrec.hook import Job, note, progress, say
from ezrec.media import argv, ffmpeg
from ezrec.media.argv import Source
from ezrec.media.gather import Part, gather
from ezrec.media.graph import filter_graph
from ezrec.media.output import partial_name, partial_output, publish
from ezrec.media.plan import Plan, plan
from ezrec.media.verify import Expected, verify
from ezrec.media.views import Views, choose, shortfalls
from ezrec.pinned import pin_footage
from ezrec.statemachine import files

OUTPUT = "merged.mp4"

#: Builds ffmpeg's arguments from the inputs and the path of the output.
Command = Callable[[Sequence[Source], str], list[str]]


def merge_recording(job: Job) -> None:
    """Make `merged.mp4`: one camera is remuxed, two are put together as `job.merge` says.

    Two are as long as the longer: black fills what the other lacks. A camera that can't be used is left
    out, and said. Raises DataError where none can be used (no retry helps), TryLater where the disk is
    full, EzrecError where ffmpeg or the check of its work failed.
    """
    with files.directory(".") as dir_fd:
        footage, changes = pin_footage(dir_fd)
        if not footage:
            raise DataError("there is no footage", "put camera_0.mp4 here, then: touch .done")
        with gather(dir_fd, footage) as gathered:
            views = choose(gathered, list(footage), job.camera_ids)
            made = plan([[part.facts for part in parts] for parts in views.parts], job.merge)
            notes = [*changes, *views.notes, *shortfalls(views, made)]
            for text in notes:
                note(text)
            method = _make(dir_fd, views, made, job)
            document.update(dir_fd, {"merge": _facts(views, made, method, notes)})


def _make(dir_fd: int, views: Views, made: Plan, job: Job) -> str:
    """Write, verify and name the output; `copy` or `encode`, as it was done."""
    parts = views.all_parts
    if len(parts) == 1 and job.merge.height in (None, parts[0].facts.height):
        try:
            _write(dir_fd, parts, lambda source, to: argv.remux(source[0], to), _as_it_is(parts[0]))
            return "copy"
        except (DataError, TryLater):
            raise
        except EzrecError as error:
            say(f"the pictures can't be copied as they are, so they are encoded: {error.message}")
    graph = filter_graph(made)
    _write(dir_fd, parts, lambda sources, to: argv.merge(sources, graph, to), _as_planned(made))
    return "encode"


def _write(dir_fd: int, parts: Sequence[Part], command: Command, expected: Expected) -> None:
    """Run ffmpeg into the partial output, verify that, and only then give it its name."""
    shown = command([Source(path=p.name, demuxer=p.demuxer) for p in parts], partial_name(OUTPUT))
    say(shlex.join(["ffmpeg", *shown]))
    with partial_output(dir_fd, OUTPUT) as fd:
        sources = [Source(path=part.path, demuxer=part.demuxer) for part in parts]
        ffmpeg.run(
            [ffmpeg.find_ffmpeg(), *command(sources, f"/proc/self/fd/{fd}")],
            report=lambda block: progress(100 * ffmpeg.number(block, "frame") / expected.frames),
            keep=[fd, *(part.fd for part in parts)],
        )
        if trouble := verify(fd, OUTPUT, expected):
            raise EzrecError(trouble)
        publish(dir_fd, fd, OUTPUT)


def _as_it_is(part: Part) -> Expected:
    facts = part.facts
    return Expected(
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        seconds=facts.seconds,
        rate=facts.rate,
    )


def _as_planned(made: Plan) -> Expected:
    width, height = made.size
    return Expected(
        width=width, height=height, frames=made.frames, seconds=made.seconds, rate=made.rate
    )


def _facts(views: Views, made: Plan, method: str, notes: Sequence[str]) -> dict[str, object]:
    """What `recording.json` keeps of a merge. Lengths are seconds, sizes pixels."""
    cameras = {
        name: {
            "files": [part.name for part in parts],
            "frames": sum(part.facts.frames for part in parts),
            "seconds": round(sum(part.facts.seconds for part in parts), 3),
        }
        for name, parts in zip(views.names, views.parts, strict=True)
    }
    copied = views.all_parts[0].facts if method == "copy" else None
    width, height = (copied.width, copied.height) if copied else made.size
    facts: dict[str, object] = {
        "method": method,
        "layout": "single"
        if len(views.names) == 1
        else "stacked"
        if made.stacked
        else "side_by_side",
        "width": width,
        "height": height,
        "seam": made.overlap,
        "rate": float(round(made.rate, 3)),
        "frames": copied.frames if copied else made.frames,
        "seconds": round(copied.seconds if copied else made.seconds, 3),
        "cameras": cameras,
        "notes": list(notes),
    }
    return facts | ({"label": "one_camera"} if views.one_camera else {})
