"""The configuration as frozen data: parsed once at the edge, trusted inside."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple


class StageSettings(NamedTuple):
    """What a site says about one stage; None keeps what the lifecycle declares.

    `after` and `to` are set for a stage that the site adds: it leads out of the state `after`
    into the new state `to`, whose marker is `.` + its name.
    """

    limit: int | None = None
    attempts: int | None = None
    timeout: timedelta | None = None
    grace: timedelta | None = None
    backoff: timedelta | None = None
    outputs: tuple[str, ...] | None = None
    secrets: tuple[str, ...] = ()
    after: str | None = None
    to: str | None = None


class CameraSettings(NamedTuple):
    """One camera. `id` names its footage: `camera_<id>.mp4`."""

    id: str
    name: str = ""
    serial: str = ""


class CaptureSettings(NamedTuple):
    """`size` in pixels (width, height), `rate` in frames a second, `bitrate` in bits a second."""

    backend: Literal["synthetic"] = "synthetic"
    max_seconds: timedelta = timedelta(hours=4)
    size: tuple[int, int] = (1280, 720)
    rate: int = 30
    bitrate: int = 6_000_000


class MergeSettings(NamedTuple):
    """`feather` is the width of the seam in pixels; `height` None keeps the cameras' own. `size` (width,
    height) is the box that the picture is fitted into, `rate` in frames a second; None: as it comes.
    `rotate` turns every view clockwise, in degrees; `lens` are the coefficients k1 and k2 of the radial
    correction."""

    layout: Literal["side_by_side", "stacked", "single"] = "side_by_side"
    feather: int = 100
    height: int | None = None
    size: tuple[int, int] | None = None
    rate: int | None = None
    rotate: float = 0.0
    lens: tuple[float, float] = (0.0, 0.0)
    quality: Literal["small", "balanced", "fast"] = "balanced"
    encoder: Literal["x264", "h264_v4l2m2m"] = "x264"
    audio: Literal["mix", "left", "right", "none"] = "mix"


class UploadSettings(NamedTuple):
    """`to` is a URL: `file:///absolute/directory`. Empty: `<root>/archive`."""

    to: str = ""


class Config(NamedTuple):
    """All that a station is told. Durations are timedelta, paths absolute."""

    root: Path | None = None
    file: Path | None = None
    settle: timedelta = timedelta(seconds=5)
    scan_every: timedelta = timedelta(seconds=60)
    watch: Literal["auto", "poll"] = "auto"
    hooks_path: tuple[Path, ...] = ()
    user_id: str = ""
    stages: Mapping[str, StageSettings] = MappingProxyType({})
    cameras: tuple[CameraSettings, ...] = (CameraSettings(id="0"), CameraSettings(id="1"))
    capture: CaptureSettings = CaptureSettings()
    merge: MergeSettings = MergeSettings()
    upload: UploadSettings = UploadSettings()
