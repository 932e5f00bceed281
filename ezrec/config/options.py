"""What hooks are told of the configuration: sections that JSON can hold. Pure."""

from __future__ import annotations

from typing import Any

from ezrec.config.model import Config


def options(config: Config) -> dict[str, Any]:
    """`capture` (`max_seconds` in seconds), `cameras`, `merge`, `upload`; no secrets."""
    capture = config.capture._asdict()
    seconds = config.capture.max_seconds.total_seconds()
    capture["max_seconds"] = int(seconds) if seconds.is_integer() else seconds
    capture["size"] = list(config.capture.size)
    return {
        "capture": capture,
        "cameras": [camera._asdict() for camera in config.cameras],
        "merge": _merge(config),
        "upload": config.upload._asdict(),
    }


def _merge(config: Config) -> dict[str, Any]:
    told = config.merge._asdict()
    pairs = {key: list(value) for key, value in told.items() if isinstance(value, tuple)}
    return told | pairs
