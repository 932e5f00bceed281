"""The job that a hook is given: the JSON document on its stdin as frozen data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self, get_args, get_origin, get_type_hints

from ezrec.config.model import CameraSettings, CaptureSettings, MergeSettings, UploadSettings
from ezrec.errors import ConfigError
from ezrec.fields import Fields
from ezrec.statemachine import parsing


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt at one stage of one recording.

    `recording` is `recording.json` as it was when the hook started; `camera_ids` are the cameras
    that this recording is meant to have. `requested`: an operator asked for
    this work anew, beside what is there. What is not in the document has its default.
    """

    hook: str
    stage: str
    state: str = ""
    recording_id: str
    recording_dir: Path
    root: Path
    attempt: int = 1
    max_attempts: int = 1
    booking_id: str = ""
    user_id: str = ""
    camera_ids: tuple[str, ...] = ()
    config: Path | None = None
    run_id: str = ""
    requested: bool = False
    recording: Mapping[str, object] = field(default_factory=dict)
    cameras: tuple[CameraSettings, ...] = ()
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    merge: MergeSettings = field(default_factory=MergeSettings)
    upload: UploadSettings = field(default_factory=UploadSettings)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Parse what came on stdin. Raises ConfigError with one sentence."""
        try:
            document = parsing.parse(text)
        except ValueError as error:
            raise ConfigError(f"the job on stdin is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ConfigError("the job on stdin is no JSON object")
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Self:
        """Parse the document of the hook contract. Raises ConfigError naming the first bad key."""
        job = Fields("the job", document)
        options = job.fields("options")
        return cls(
            hook=job.text("hook"),
            stage=job.text("stage"),
            state=job.text("state"),
            recording_id=job.required_text("recording_id"),
            recording_dir=job.absolute("recording_dir"),
            root=job.absolute("root"),
            attempt=job.whole("attempt", 1),
            max_attempts=job.whole("max_attempts", 1),
            booking_id=job.text("booking_id"),
            user_id=job.text("user_id"),
            camera_ids=job.texts("camera_ids"),
            config=Path(job.text("config")) if job.text("config") else None,
            run_id=job.text("run_id"),
            requested=job.flag("requested"),
            recording=job.mapping("recording"),
            cameras=tuple(map(_camera, options.list_of_fields("cameras"))),
            capture=_capture(options.fields("capture")),
            merge=_merge(options.fields("merge")),
            upload=UploadSettings(to=options.fields("upload").text("to")),
        )


#: what may be said where the model has a few words for it
_WORDS = {
    key: get_args(kind)
    for key, kind in get_type_hints(MergeSettings).items()
    if get_origin(kind) is Literal
}


def _camera(given: Fields) -> CameraSettings:
    return CameraSettings(
        id=given.required_text("id"), name=given.text("name"), serial=given.text("serial")
    )


def _capture(given: Fields) -> CaptureSettings:
    usual = CaptureSettings()
    given.choice("backend", ("synthetic",), usual.backend)
    width, height = given.wholes("size", usual.size, least=2)
    return CaptureSettings(
        max_seconds=timedelta(
            seconds=given.number("max_seconds", usual.max_seconds.total_seconds())
        ),
        size=(width, height),
        rate=given.whole("rate", usual.rate, least=1),
        bitrate=given.whole("bitrate", usual.bitrate, least=1),
    )


def _merge(given: Fields) -> MergeSettings:
    usual = MergeSettings()
    told = {key: given.choice(key, allowed, getattr(usual, key)) for key, allowed in _WORDS.items()}
    return MergeSettings(
        **told,  # type: ignore[arg-type]  # the words of each were looked at just now
        feather=given.whole("feather", usual.feather),
        height=given.whole("height", 0) or None,
        size=given.wholes("size", (0, 0), least=2) if given.values.get("size") else None,
        rate=given.whole("rate", 0) or None,
        rotate=given.number("rotate", usual.rotate, least=-360),
        lens=given.numbers("lens", usual.lens, least=-1),
    )
