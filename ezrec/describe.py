"""What ezrec adds to the hook contract: the booking, the user, the cameras, and the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ezrec.config.model import Config
from ezrec.config.options import options
from ezrec.statemachine import files, parsing

DOCUMENT = "recording.json"
_LIMIT = 1 << 20


class Describer:
    """A Describe for recordings: `recording.json` whole, and the sections of the configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._options = options(config)

    def __call__(self, fd: int, _recording: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        document = read_recording(fd)
        cameras = [camera.id for camera in self._config.cameras]
        told = {
            "booking_id": _text(document, "booking_id"),
            "user_id": _text(document, "user_id") or self._config.user_id,
            "config": str(self._config.file or ""),
        }
        variables = {f"EZREC_{key.upper()}": value for key, value in told.items()}
        variables["EZREC_CAMERA_IDS"] = " ".join(cameras)
        added = {"camera_ids": cameras, "recording": document, "options": self._options}
        return variables, {**told, **added}


def read_recording(fd: int) -> dict[str, Any]:
    """`recording.json` of an opened recording; empty where there is none, or none that is JSON."""
    try:
        document = parsing.parse(files.read(fd, DOCUMENT, _LIMIT))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    plain = isinstance(value, str) and value.isprintable() and len(value) <= 200
    return value if plain and isinstance(value, str) else ""
