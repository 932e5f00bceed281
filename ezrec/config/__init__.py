"""The configuration: parsed once into frozen data, every problem named at once."""

from __future__ import annotations

from ezrec.config.load import load, load_what_can_be
from ezrec.config.model import (
    CameraSettings,
    CaptureSettings,
    Config,
    MergeSettings,
    StageSettings,
    UploadSettings,
)
from ezrec.config.options import options
from ezrec.config.places import directory

__all__ = [
    "CameraSettings",
    "CaptureSettings",
    "Config",
    "MergeSettings",
    "StageSettings",
    "UploadSettings",
    "directory",
    "load",
    "load_what_can_be",
    "options",
]
