"""What came of a run of the loop, for those who asked for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Tally:
    """What came of a run of the loop: recordings that `failed`, that are `waiting` for a retry or for
    their set-up to be mended, that are `troubled` (with what stands in the way), and that are
    `refused`: troubled by what stands in them, until an operator takes it away."""

    failed: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    troubled: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def forget(self, recording: str) -> None:
        """It is gone."""
        self.waiting.discard(recording)
        self.refused.discard(recording)
        self.troubled.pop(recording, None)
