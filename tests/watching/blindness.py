"""What makes a watcher blind, done to the real daemon from outside, and how each is mended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ezrec.station_fixture import Daemon, Folder
from tests.waiting import wait_until


class Blindness:
    """One way. `place` is where the recordings are while it lasts, and `is_unseen` where the daemon can't
    look there; `told` is how it was done, with what stands in for it where a privilege lacks."""

    told = ""
    is_unseen = False

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.place = folder.root

    @property
    def prefix(self) -> tuple[str, ...]:
        """What the daemon is started with."""
        return ()

    def blind(self, daemon: Daemon) -> None:
        raise NotImplementedError

    def mend(self, daemon: Daemon) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """Whatever became of the test."""


class DeadReader(Blindness):
    """The thread that reads the events dies of an error of read(2), injected by strace."""

    told = "its read(2) failed by strace"

    def blind(self, daemon: Daemon) -> None:
        inject = ("-e", "trace=read", "-e", "inject=read:error=EIO")
        argv = ("strace", "-qq", "-p", str(_reader(daemon.process.pid)), *inject)
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as strace:
            for number in range(1000):
                (self.folder.root / f".event-{number}").touch()
                if daemon.said("no more events can be read") or strace.poll() is not None:
                    break
                time.sleep(0.01)  # until it is attached, and has met an event
            wait_until(lambda: daemon.said("no more events can be read"))
            strace.terminate()


def _reader(daemon: int) -> int:
    """The thread that waits in poll(2) for inotify: the others wait for locks and sockets."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [
            tid for tid in map(int, os.listdir(f"/proc/{daemon}/task")) if _polls(daemon, tid)
        ]
        return bool(found)

    wait_until(look)
    return found[0]


def _polls(daemon: int, thread: int) -> bool:
    """Whether it sleeps in the kernel's poll (7; on ARM ppoll, 73)."""
    fields = Path(f"/proc/{daemon}/task/{thread}/syscall").read_text().split()
    return thread != daemon and fields[0] in ("7", "73")


class NoWatchesLeft(Blindness):
    """The daemon's user may have no more watches than it has: in a user namespace of its own."""

    told = "max_inotify_watches of a user namespace"

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("unshare", "-U", "-r", "--")

    def blind(self, daemon: Daemon) -> None:
        self._limit(daemon, 1)

    def mend(self, daemon: Daemon) -> None:
        self._limit(daemon, 1_000_000)

    def _limit(self, daemon: Daemon, watches: int) -> None:
        enter = ("nsenter", "-t", str(daemon.process.pid), "-U", "--preserve-credentials")
        write = f"echo {watches} > /proc/sys/user/max_inotify_watches"
        subprocess.run([*enter, "sh", "-c", write], check=True)


class MovedAway(Blindness):
    """The root is moved away, and moved back: the same directory."""

    told = "mv"

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder)
        self.place = folder.site / "away"

    def blind(self, daemon: Daemon) -> None:
        self.folder.root.rename(self.place)

    def mend(self, daemon: Daemon) -> None:
        self.place.rename(self.folder.root)


class Replaced(MovedAway):
    """The root is removed, and a copy of it with the same id comes in its place: another inode."""

    told = "cp -a, rm -r, mv"
    is_unseen = True

    def blind(self, daemon: Daemon) -> None:
        subprocess.run(["cp", "-a", self.folder.root, self.place], check=True)
        gone = ["rm", "-rf", str(self.folder.root)]  # the daemon may just have made a canary in it
        wait_until(lambda: subprocess.run(gone, capture_output=True).returncode == 0)


class Unmounted(Blindness):
    """The root is a mount that is lazily unmounted: an empty directory on another disk is left there."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder)
        self.place = folder.site / "disk"
        folder.root.rename(self.place)
        folder.root.mkdir()
        self._mounts = self._mount().returncode == 0
        if not self._mounts:
            self._swap()
        self.told = "umount -l" if self._mounts else "may not mount: an empty directory moved there"

    def blind(self, daemon: Daemon) -> None:
        if self._mounts:
            subprocess.run(["umount", "-l", self.folder.root], check=True)
        else:
            self._swap()

    def mend(self, daemon: Daemon) -> None:
        assert os.listdir(self.folder.root) == [], "an unmounted root was written to"
        if self._mounts:
            assert self._mount().returncode == 0
        else:
            self._swap()

    def end(self) -> None:
        if self._mounts:
            subprocess.run(["umount", "-l", self.folder.root], capture_output=True)

    def _mount(self) -> subprocess.CompletedProcess[bytes]:
        argv = ["mount", "--bind", str(self.place), str(self.folder.root)]
        return subprocess.run(argv, capture_output=True)

    def _swap(self) -> None:
        """The directory on the disk takes the place of the empty one, or gives it back."""
        spare = self.folder.site / "spare"
        here, there = self.folder.root, self.place
        here.rename(spare)
        if there.exists():
            there.rename(here)
            spare.rename(self.folder.site / "empty")
        else:
            spare.rename(there)
            (self.folder.site / "empty").rename(here)


@contextmanager
def stopped(daemon: Daemon) -> Iterator[None]:
    """The daemon does not get to run: nobody reads the kernel's queue."""
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def flood(place: Path) -> int:
    """More events in a watched directory than the kernel's queue holds."""
    events = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) + 100
    fd = os.open(place, os.O_RDONLY)
    try:
        for _ in range(events // 2):
            os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
            os.unlink("x", dir_fd=fd)
    finally:
        os.close(fd)
    return events


def may_have_a_user_namespace() -> bool:
    argv = ["unshare", "-U", "-r", "--", "test", "-w", "/proc/sys/user/max_inotify_watches"]
    return subprocess.run(argv, capture_output=True).returncode == 0


def may_trace() -> bool:
    """Whether strace may attach to a process that is no child of its own."""
    with subprocess.Popen(["sleep", "60"]) as other:
        argv = ["timeout", "5", "strace", "-qq", "-p", str(other.pid)]
        try:
            with subprocess.Popen(argv, stderr=subprocess.PIPE) as strace:
                other.terminate()
                return strace.wait() == 0
        except FileNotFoundError:
            return False
