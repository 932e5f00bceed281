"""Who works at what: the limit of each stage, who waits for room, and who yields to whom. Pure."""

from __future__ import annotations

from ezrec.statemachine.lifecycle import Stage


class Roster:
    """The stages that run, by recording, and those that wait for room."""

    def __init__(self) -> None:
        self._active: dict[str, Stage] = {}
        self._queued: dict[str, Stage] = {}

    def admit(self, recording: str, stage: Stage) -> tuple[bool, bool]:
        """Whether there is room for this stage in a recording where nothing runs (whatever ran there
        when it was last heard of), and whether at idle priority."""
        others = [each for place, each in self._active.items() if place != recording]
        running = [each.name for each in others]
        idle = not stage.urgent and any(each.urgent for each in others)
        return running.count(stage.name) < stage.limit, idle

    def started(self, recording: str, stage: Stage) -> list[str]:
        """It runs; the recordings whose work has to go on at idle priority from now on."""
        self._queued.pop(recording, None)
        self._active[recording] = stage
        if not stage.urgent:
            return []
        return [each for each, other in self._active.items() if not other.urgent]

    def waits(self, recording: str, stage: Stage) -> list[str]:
        """There was no room; those to look at again because a place may have come free."""
        freed = self.ended(recording)
        self._queued[recording] = stage
        return [each for each in freed if each != recording]

    def ended(self, recording: str) -> list[str]:
        """Nothing runs in it; who waits for room and should look again, the most important first."""
        self._queued.pop(recording, None)
        if self._active.pop(recording, None) is None:
            return []
        return sorted(self._queued, key=lambda each: self._queued[each].priority)

    def is_busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._active)
