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
        "merge": config.merge._asdict(),
        "upload": config.upload._asdict(),
    }
