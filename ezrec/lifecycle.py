"""The lifecycle of a recording, declared once. Pure."""

from __future__ import annotations

from datetime import timedelta

from ezrec.statemachine.lifecycle import Lifecycle, Stage, State

MERGED_VIDEO = "merged.mp4"
RECEIPT = "receipt.json"
PAYLOAD = ("*.mp4", "*.mkv", "*.ts", "*.mov")

STATES = (
    State(name="idle", marker=None, summary="somebody is filling the directory"),
    State(name="recording", marker=".lock", summary="the cameras record"),
    State(name="recorded", marker=".done", summary="the footage is there, ready to be merged"),
    State(name="merged", marker=".merged", summary="the merged video is there and verified"),
    State(name="completed", marker=".completed", summary="the archive has it, verified"),
    State(
        name="merge_failed",
        marker=".merge_error",
        error=True,
        summary="out of attempts; waits for an operator",
    ),
    State(
        name="failed",
        marker=".error",
        error=True,
        summary="no retry can help; waits for an operator",
    ),
)

CAPTURE = Stage(
    name="capture",
    source="recording",
    working="recording",
    ok="recorded",
    exhausted="failed",
    refused="failed",
    timeout=timedelta(hours=4, minutes=1),
    grace=timedelta(seconds=10),
    priority=0,
    urgent=True,
)
MERGE = Stage(
    name="merge",
    source="recorded",
    working="merging",
    ok="merged",
    exhausted="merge_failed",
    refused="failed",
    outputs=(MERGED_VIDEO,),
    timeout=timedelta(hours=12),
)
UPLOAD = Stage(
    name="upload",
    source="merged",
    working="uploading",
    ok="completed",
    exhausted="failed",
    refused="failed",
    outputs=(RECEIPT,),
    attempts=5,
    timeout=timedelta(hours=12),
    backoff=timedelta(seconds=5),
    limit=2,
    priority=2,
)

RECORDING = Lifecycle(
    name="recording", states=STATES, stages=(CAPTURE, MERGE, UPLOAD), payload=PAYLOAD
)
