"""Telling systemd: ready, alive, reloading, stopping (sd_notify(3)). Silent where nobody listens."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress


class Notifier:
    """Speaks to `NOTIFY_SOCKET`; `alive` feeds the watchdog at half of `WATCHDOG_USEC`."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        # opened once: later there may be no room for it
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_UNIX, kind) if self._address else None
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        self._every = int(microseconds) / 2_000_000 if microseconds.isdecimal() else 0.0
        self._last = float("-inf")

    def ready(self) -> None:
        """Start-up, or a reload, is over."""
        self._say("READY=1")

    def reloading(self) -> None:
        """The configuration is read again."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say(f"RELOADING=1\nMONOTONIC_USEC={microseconds}")

    def stopping(self) -> None:
        """The end begins."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """The loop goes round."""
        now = time.monotonic()
        if self._every and now - self._last >= self._every:
            self._last = now
            self._say("WATCHDOG=1")

    def _say(self, state: str) -> None:
        if self._socket is None:
            return
        with suppress(OSError):  # nobody listens just now: that is no reason not to work
            self._socket.sendto(state.encode(), self._address)
