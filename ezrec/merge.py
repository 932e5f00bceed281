"""The stage `merge`: one verified `merged.mp4` out of the cameras' footage, which stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

from ezrec import document
from ezrec.config.model import MergeSettings
from ezrec.errors import DataError
from ezrec.hook import Job, note, progress, say
from ezrec.media import ffmpeg
from ezrec.media.aligning import Aligned, align
from ezrec.media.encoders import X264
from ezrec.media.gather import gather
from ezrec.media.making import Making, make, shown
from ezrec.media.output import partial_name, partial_output, publish
from ezrec.media.plan import Plan, plan
from ezrec.media.views import Views, choose, gaps, shortfalls
from ezrec.pinned import pin_footage
from ezrec.statemachine import files

OUTPUT = "merged.mp4"


def merge_recording(job: Job) -> None:
    """Make `merged.mp4`: one camera is remuxed, two are put together as `job.merge` says.

    It runs from the first frame of any camera to the last: black fills what the other lacks. A camera
    that can't be used is left out, and said. Raises DataError where none can be used (no retry helps),
    TryLater where the disk is full, EzrecError where ffmpeg or the check of its work failed.
    """
    with files.directory(".") as dir_fd:
        footage, changes = pin_footage(dir_fd)
        if not footage:
            raise DataError("there is no footage", "put camera_0.mp4 here, then: touch .done")
        with gather(dir_fd, footage) as gathered:
            views = choose(gathered, list(footage), job.camera_ids, job.merge.layout)
            aligned = align([[(part.facts, part.times) for part in parts] for parts in views.parts])
            made = plan(aligned.cameras, job.merge)
            notes = [*changes, *views.notes, *aligned.notes, *shortfalls(views, made)]
            for text in notes:
                note(text)
            method = _make(dir_fd, views, made, job, notes)
            document.update(dir_fd, {"merge": _facts(views, aligned, made, method, notes)})


def _make(dir_fd: int, views: Views, made: Plan, job: Job, notes: list[str]) -> str:
    """Write, verify and name the output; `copy` or `encode`, as it was done. What is to be known of it is
    added to the notes."""

    def report(block: dict[str, str]) -> None:
        progress(100 * ffmpeg.number(block, "frame") / made.frames)

    def tell(text: str) -> None:
        note(text)
        notes.append(text)

    making = Making(
        parts=views.all_parts, plan=made, settings=settings_of(job), report=report, say=tell
    )
    if making.settings != job.merge:
        tell(f"attempt {job.attempt}: {making.settings.encoder} instead of {job.merge.encoder}")
    say(shown(making, partial_name(OUTPUT)))
    with partial_output(dir_fd, OUTPUT) as fd:
        method = make(making, fd, OUTPUT)
        publish(dir_fd, fd, OUTPUT)
    return method


def settings_of(job: Job) -> MergeSettings:
    """What this attempt is made with: after the first one without the hardware, which may be what failed."""
    return job.merge._replace(encoder=X264) if job.attempt > 1 else job.merge


def _facts(
    views: Views, aligned: Aligned, made: Plan, method: str, notes: Sequence[str]
) -> dict[str, object]:
    """What `recording.json` keeps of a merge. Lengths are seconds, sizes pixels."""
    cameras = {
        name: {
            "files": [part.name for part in parts],
            "frames": sum(part.facts.frames for part in parts),
            "seconds": round(sum(part.facts.seconds for part in parts), 3),
            "offset_ms": how.offset_ms,
            "drift_ppm": how.drift_ppm,
            "residual_ms": how.residual_ms,
            "gaps": [[round(start, 3), round(end, 3)] for start, end in gaps(view, made)],
        }
        for name, parts, how, view in zip(
            views.names, views.parts, aligned.alignments, made.views, strict=True
        )
    }
    copied = views.all_parts[0].facts if method == "copy" else None
    width, height = (copied.width, copied.height) if copied else made.size
    facts: dict[str, object] = {
        "method": method,
        "layout": layout_of(made),
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


def layout_of(made: Plan) -> str:
    """What a plan's picture is called in the configuration."""
    if len(made.views) == 1:
        return "single"
    return "stacked" if made.stacked else "side_by_side"
