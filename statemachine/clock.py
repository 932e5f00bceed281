"""Time for the engine: what orders and delays anything is the boot's own clock, never the wall's."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """`seconds` since boot, suspend included (CLOCK_BOOTTIME); the id of this boot; the wall's time."""

    def seconds(self) -> float: ...

    def boot(self) -> str: ...

    def wall(self) -> datetime: ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def seconds(self) -> float:
        """Seconds since boot; jumps of the wall clock do not touch it."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot(self) -> str:
        """The kernel's id of this boot: two readings of `seconds` compare only within one."""
        return self._boot

    def wall(self) -> datetime:
        """For people only: on a machine without a clock chip it may be decades off."""
        return datetime.now(UTC)
