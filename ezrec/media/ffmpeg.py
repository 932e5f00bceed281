"""Finding ffmpeg, starting it, and listening to it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO

from ezrec.errors import EzrecError, TryLater, Unavailable

TAIL_LINES = 20
#: No ffmpeg of ours needs more address space than this, in bytes; a hostile file may try.
MEMORY = 8 << 30
_FULL = ("No space left on device", "Disk quota exceeded")

Report = Callable[[dict[str, str]], None]


def find_ffmpeg(path: str | None = None) -> str:
    """The ffmpeg to use: the system's on `path` (default: PATH), else imageio-ffmpeg's.

    Raises Unavailable, with the command that installs one.
    """
    if found := shutil.which("ffmpeg", path=path):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise Unavailable("there is no ffmpeg", "sudo apt install ffmpeg") from error


class Ffmpeg:
    """A running ffmpeg. Two threads of ours read it, so that it never waits for us.

    `report` is called, in a thread, with each block of `-progress`; `ended` when all is read. SIGTERM is
    blocked in it: a TERM to the process group reaches only the hook, which ends it with one SIGINT. A
    second signal would cut short the writing of its last fragment.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        report: Report,
        ended: Callable[[], None] = lambda: None,
        keep: Sequence[int] = (),
        prefix: str = "",
    ) -> None:
        self.said: deque[str] = deque(maxlen=TAIL_LINES)
        self._report, self._ended, self._prefix = report, ended, prefix
        self.process = _start(argv, keep)
        self._readers = [
            threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True),
            threading.Thread(target=self._follow, args=(self.process.stdout,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def finish(self) -> None:
        """Ask it to write what it has and to end. Ask once only."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        self.process.kill()

    def wait(self) -> int:
        """Wait until it has ended and all it said is read; its exit status, negative for a signal."""
        code = self.process.wait()
        for reader in self._readers:
            reader.join()
        return code

    def tail(self) -> str:
        """The last lines that it said, as one line."""
        return "; ".join(self.said)

    def _follow(self, stream: IO[str]) -> None:
        block: dict[str, str] = {}
        with stream:
            for line in stream:
                key, _, value = line.strip().partition("=")
                block[key] = value.strip()
                if key == "progress":
                    self._report(block)
                    block = {}
        self._readers[0].join()
        self._ended()

    def _listen(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                if text := line.rstrip()[:500]:
                    self.said.append(text)
                    print(f"{self._prefix}{text}", file=sys.stderr, flush=True)


def run(argv: Sequence[str], *, report: Report, keep: Sequence[int] = ()) -> None:
    """Run ffmpeg to its end; whatever interrupts that ends it too.

    Raises TryLater where a disk is full, EzrecError with the tail of its log for any other failure.
    """
    running = Ffmpeg(argv, report=report, keep=keep)
    try:
        code = running.wait()
    except BaseException:
        running.kill()
        running.process.wait()
        raise
    if code == 0:
        return
    if is_full(running.said):
        raise TryLater("the disk is full", "make room; it is tried again by itself")
    raise EzrecError(f"ffmpeg ended with status {code}: {running.tail() or 'it said nothing'}")


def is_full(said: Sequence[str] | deque[str]) -> bool:
    """Whether ffmpeg complained about a full disk."""
    return any(words in line for line in said for words in _FULL)


def number(block: dict[str, str], key: str) -> int:
    """A whole number out of a progress report; 0 where it says N/A."""
    text = block.get(key, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _start(argv: Sequence[str], keep: Sequence[int]) -> subprocess.Popen[str]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=keep,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            env={**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    except (ProcessLookupError, PermissionError, ValueError):
        pass
    return process
