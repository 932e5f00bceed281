"""Whether a directory stands still: names, sizes and mtimes unchanged for the settling time."""

from __future__ import annotations


class Settling:
    """Remembers, per recording, since when its content is as it is. Seconds of the boot clock."""

    def __init__(self, settle: float) -> None:
        self.settle = settle
        self._since: dict[str, tuple[str, float]] = {}

    def seen(self, recording: str, content: str, now: float) -> float:
        """Seconds until it is quiet; 0 where it is."""
        before = self._since.get(recording)
        if before is None or before[0] != content:
            self._since[recording] = (content, now)
            return self.settle
        return max(0.0, before[1] + self.settle - now)

    def forget(self, recording: str) -> None:
        """It has been acted on, or it is gone."""
        self._since.pop(recording, None)

    def waiting(self) -> int:
        """How many are being waited for."""
        return len(self._since)
