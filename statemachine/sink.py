"""Where a hook's output goes: a capped log, and the lines that ezrec takes up."""

from __future__ import annotations

from collections.abc import Callable

from ezrec.statemachine import calls

_MARK = b"ezrec:"
_TAIL = 64 << 10
_LINE = 4096
_NOTES = 20
_NOTE = 300


class Sink:
    """Writes to the descriptor `log` the first `cap` bytes and, at the end, the last 64 KiB.

    A line `ezrec:progress 42.5` is given to `on_progress`, `ezrec:note text` is kept in `notes` (the
    first 20, 300 characters each). A full disk loses the log, never the hook.
    """

    def __init__(self, log: int, cap: int, on_progress: Callable[[float], None]) -> None:
        self._log = log
        self._room = cap
        self._on_progress = on_progress
        self._tail = bytearray()
        self._dropped = 0
        self._partial = b""
        self.notes: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take up the next bytes of output."""
        kept = data[: self._room]
        self._room -= len(kept)
        self._write(kept)
        if len(kept) < len(data):
            self._keep_tail(data[len(kept) :])
        if self._partial or _MARK in data:
            self._take_lines(data)
        else:
            self._partial = data[data.rfind(b"\n") + 1 :][:_LINE]

    def close(self) -> None:
        """Write what was kept of the end."""
        if self._dropped:
            self._write(f"\n[ezrec: {self._dropped} bytes of output left out here]\n".encode())
        self._write(bytes(self._tail))
        if self._partial:
            self._take(self._partial)

    def _keep_tail(self, data: bytes) -> None:
        self._tail += data
        if len(self._tail) > 2 * _TAIL:
            self._dropped += len(self._tail) - _TAIL
            del self._tail[:-_TAIL]

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[calls.write(self._log, data) :]
        except OSError:
            self._room = 0

    def _take_lines(self, data: bytes) -> None:
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[:_LINE]
        for line in lines:
            if line.startswith(_MARK):
                self._take(line[:_LINE])

    def _take(self, line: bytes) -> None:
        word, _, text = line[len(_MARK) :].decode("utf-8", "replace").strip().partition(" ")
        if not line.startswith(_MARK):
            return
        if word == "progress":
            self._progress(text)
        elif word == "note" and len(self.notes) < _NOTES:
            self.notes.append("".join(c for c in text if c.isprintable())[:_NOTE])

    def _progress(self, text: str) -> None:
        try:
            percent = float(text.rstrip("% "))
        except ValueError:
            return
        if 0 <= percent <= 100:
            self._on_progress(percent)
