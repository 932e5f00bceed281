"""The lifecycle of a recording, declared once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from ezrec.config.model import Config, StageSettings
from ezrec.statemachine.errors import LifecycleError
from ezrec.statemachine.lifecycle import Lifecycle, Stage, State

MERGED_VIDEO = "merged.mp4"
RECEIPT = "receipt.json"
PAYLOAD = ("*.mp4", "*.mkv", "*.ts", "*.mov")

_CAPTURE_MARGIN = timedelta(minutes=1)


class RecordingState(StrEnum):
    """The states of ezrec's own lifecycle. A site's own states are plain text beside these."""

    IDLE = "idle"  #: no marker: somebody is filling the directory
    RECORDING = "recording"  #: `.lock`: the cameras record, or are about to
    RECORDED = "recorded"  #: `.done`: the footage is there
    MERGING = "merging"  #: `.done` and `.lock`, under a lease
    MERGED = "merged"  #: `.merged`: the merged video is there and verified
    UPLOADING = "uploading"  #: `.merged` and `.lock`, under a lease
    COMPLETED = "completed"  #: `.completed`: the archive has it, verified
    MERGE_FAILED = "merge_failed"  #: `.merge_error`: out of attempts, waits for an operator
    FAILED = "failed"  #: `.error`: no retry can help, waits for an operator


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
    backoff=timedelta(seconds=5),
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


def lifecycle_for(config: Config) -> Lifecycle:
    """The lifecycle as a site has configured it. Raises LifecycleError."""
    lifecycle = _with_stages(RECORDING, config)
    limit = config.capture.max_seconds + _CAPTURE_MARGIN
    stages = (
        _configured(stage._replace(timeout=limit) if stage.name == CAPTURE.name else stage, config)
        for stage in lifecycle.stages
    )
    return replace(lifecycle, stages=tuple(stages), transitions=())


def _configured(stage: Stage, config: Config) -> Stage:
    settings = config.stages.get(stage.name)
    if settings is None:
        return stage
    said = {name: getattr(settings, name) for name in _STAGE_FIELDS}
    return stage._replace(**{name: value for name, value in said.items() if value is not None})


_STAGE_FIELDS = ("limit", "attempts", "timeout", "grace", "backoff", "outputs", "secrets")


def _with_stages(lifecycle: Lifecycle, config: Config) -> Lifecycle:
    """Add the site's own stages, each when the state that it leads out of is there."""
    own = {name: said for name, said in config.stages.items() if said.after is not None}
    while own:
        known = {state.name for state in lifecycle.states}
        ready = [name for name, said in own.items() if said.after in known]
        if not ready:
            raise LifecycleError(f"stage {next(iter(own))!r} comes after a state that is not there")
        lifecycle = _with_stage(lifecycle, ready[0], own.pop(ready[0]))
    return lifecycle


def _with_stage(lifecycle: Lifecycle, name: str, settings: StageSettings) -> Lifecycle:
    """Put a stage between a state and whatever led out of it."""
    after, to = str(settings.after), str(settings.to)
    stage = Stage(
        name=name,
        source=after,
        working=name.removesuffix("e") + "ing",
        ok=to,
        exhausted="failed",
        refused="failed",
    )
    moved = tuple(_from(each, {after: to}) for each in lifecycle.stages)
    place = 1 + [state.name for state in lifecycle.states].index(after)
    added = State(name=to, marker=f".{to}", summary=f"{name} is done")
    states = (*lifecycle.states[:place], added, *lifecycle.states[place:])
    return replace(lifecycle, states=states, stages=(*moved, stage), transitions=())


def _from(stage: Stage, sources: Mapping[str, str]) -> Stage:
    return stage._replace(source=sources.get(stage.source, stage.source))
