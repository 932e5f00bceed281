"""Who works at what: the limit of each stage, who waits for room, and who yields to whom. Pure."""

from __future__ import annotations

from ezrec.statemachine.lifecycle import Stage


class Roster:
    """The stages that run, by recording, and those that wait for room, in the order of their coming.

    A place that comes free is offered to one who waits, not to all: a thousand may.
    """

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
        """It runs; who may take the place that it had at another stage."""
        self._queued.pop(recording, None)
        before = self._active.get(recording)
        self._active[recording] = stage
        return self._next(before) if before is not None and before.name != stage.name else []

    def yielding(self, stage: Stage) -> list[str]:
        """The recordings whose work goes on at idle priority once this stage runs."""
        if not stage.urgent:
            return []
        return [each for each, other in self._active.items() if not other.urgent]

    def waits(self, recording: str, stage: Stage) -> list[str]:
        """There was no room; who may take the place that it had itself."""
        freed = self._active.pop(recording, None)
        self._queued[recording] = stage
        return [each for each in self._next(freed) if each != recording]

    def ended(self, recording: str) -> list[str]:
        """Nothing runs in it, and it waits no more; who may take the place that it had or was offered."""
        freed = self._active.pop(recording, None)
        offered = self._queued.pop(recording, None)
        return [*self._next(freed), *(self._next(offered) if freed is None else ())]

    def _next(self, stage: Stage | None) -> list[str]:
        """Those who have waited longest for this stage, as many as there is room for."""
        if stage is None:
            return []
        running = sum(each.name == stage.name for each in self._active.values())
        waiting = [each for each, other in self._queued.items() if other.name == stage.name]
        return waiting[: max(0, stage.limit - running)]

    def is_busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._active)
