"""P2: what a power cut costs of a capture that is running."""

from __future__ import annotations

import io
from pathlib import Path

from ezrec.media.fragments import content_of
from tests.conftest import Figure
from tests.disk.scenarios import CAMERA, Stage
from tests.disk.trace import Data, Entry, Step, Trace
from tests.waiting import wait_until

MOST = 4.0


def record_capture(stage: Stage, seconds: int) -> Trace:
    """A synthetic capture, with its file looked at all the while."""
    stage.folder.configure(CAMERA)
    stage.use_own("capture")
    stage.folder.close_gate("merge")
    stage.start()
    stage.command("new", "match", "--seconds", str(seconds), "--start-now")
    with stage.daemon():
        wait_until(lambda: _is_recorded(stage), 60)
    stage.folder.end_everything()
    return stage.trace()


def _is_recorded(stage: Stage) -> bool:
    stage.catch_up()
    return ".done" in stage.folder.markers("match")


def camera_of(trace: Trace) -> int:
    (node,) = {
        change.node
        for step in trace.steps
        for change in step.changes
        if isinstance(change, Entry) and change.name == "camera_0.mp4" and change.node
    }
    return node


def seconds_in(trace: Trace, digest: str) -> float:
    return content_of(io.BytesIO(trace.blobs[digest])).seconds


def growth(trace: Trace, camera: int) -> list[tuple[Step, float]]:
    """Each step at which the file had grown, and the seconds that can be played of it then."""
    return [
        (step, seconds_in(trace, change.digest))
        for step in trace.steps
        for change in step.changes
        if isinstance(change, Data) and change.node == camera
    ]


def losses(trace: Trace) -> list[float]:
    """At the worst moment before each fsync of the camera's file has returned: the seconds that the
    camera has delivered, less those that are on the disk. The first frame came at the latest when the
    file that grows by whole fragments shows; what is not in a whole fragment yet is lost too."""
    camera = camera_of(trace)
    grown = growth(trace, camera)
    first_frame = min(step.begun - seconds for step, seconds in grown if seconds)
    whole = max(seconds for _, seconds in grown)
    found, safe = [], 0.0
    for step in trace.steps:
        if step.call == "sync" and step.node == camera:
            captured = min(step.ended - first_frame, whole)
            found.append(captured - safe)
            safe = max((s for before, s in grown if before.begun <= step.begun), default=0.0)
    return found


def test_p02_a_power_cut_costs_at_most_four_seconds(
    tmp_path: Path, long: bool, figure: Figure
) -> None:
    """Fragments of a second, an fsync every two: over all cuts of a real capture, what would be lost."""
    seconds = 30 if long else 7
    trace = record_capture(Stage(tmp_path), seconds)
    found = losses(trace)
    figure(
        "P2 most seconds lost of a running capture", f"{max(found):.2f} in {len(found)} intervals"
    )
    assert len(found) >= seconds // 3
    assert max(found) <= MOST
