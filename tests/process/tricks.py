"""Hooks that misbehave, each in another way, and who of them is still there.

What is found is found by the recording's directory (as a working directory) or by a token in the
arguments: not by what ezrec goes by. Most tricks clear their environment, leave group and session, and
close what is open.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ezrec.statemachine import processes
from tests.ezrec.station_fixture import Folder, pids

LIMIT, GRACE = 1.0, 0.4

#: The beginning of `merge.py`. `away` is a double fork into a session of its own.
_TOOLS = """\
import ctypes, json, os, signal, sys, time
from pathlib import Path
recording, root = os.environ["EZREC_RECORDING_ID"], Path(os.environ["EZREC_ROOT"])
token = f"token:{root}:{recording}"
daemon = json.loads((root / ".ezrec" / "daemon.json").read_text())["pid"]
supervisor = os.getppid()
nursery = int(Path(f"/proc/{supervisor}/stat").read_text().rpartition(")")[2].split()[1])
SLEEPER = "import signal, time; [signal.signal(n, 1) for n in (1, 2, 15)]; time.sleep(600)"

def sleeper(environment={}):
    os.chdir("/")
    os.execve(sys.executable, [sys.executable, "-ISc", SLEEPER, token], environment)

def away(become=sleeper):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 64)
    become()

def away_with_its_environment():
    away(lambda: sleeper(dict(os.environ)))

def is_away():
    def arguments(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            return ""
    return any(token in arguments(pid) for pid in os.listdir("/proc") if pid.isdigit())

def sent_away(send=away):
    send()
    while not is_away():
        time.sleep(0.01)

def ignore():
    for number in set(range(1, 65)) - {9, 17, 19, 32, 33}:
        signal.signal(number, signal.SIG_IGN)

def wait():
    time.sleep(600)

def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)
    sleeper()

def runner():
    beats = open(root.parent / "beats", "ab", buffering=0)
    until = time.monotonic() + 30  # should it ever get away
    while time.monotonic() < until:
        beats.write(b".")
        if os.fork():
            os._exit(0)

def breed(count):
    for _ in range(count):
        if not os.fork():
            ignore()
            wait()

def kill(*victims):
    for victim in victims:
        os.kill(victim, signal.SIGKILL)

def stop(victim):
    os.kill(victim, signal.SIGSTOP)

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trick:
    """What a hook does, in Python over the tools above, and a part of what is said of its end."""

    does: str
    said: str = "its time limit"


@dataclass(kw_only=True)
class Play:
    """One recording for each trick, all played out under a daemon that is started again when it dies.

    `over`: seconds beyond its limit and grace at which nothing of a trick was seen any more.
    """

    folder: Folder
    tricks: Mapping[str, Trick]
    at_once: int = 9
    over: dict[str, float] = field(default_factory=dict)
    daemons: int = 0

    def run(self, seconds: float = 90) -> None:
        """Until every recording has come to its end; then it is looked for what is left."""
        self._write()
        deadline = time.monotonic() + seconds
        while left := [name for name in self.tricks if not self._is_over(name)]:
            assert time.monotonic() < deadline, f"not within {seconds} s: {left}"
            self.daemons += 1
            with self.folder.daemon() as daemon:
                while daemon.process.poll() is None and not all(map(self._is_over, self.tricks)):
                    self._watch()
                    assert time.monotonic() < deadline, f"{left}: {daemon.log}"
        for _ in range(10):
            self._watch()

    def end(self) -> None:
        """What got away stays on no machine."""
        for pid in (pid for alive in self.survivors().values() for pid in alive):
            processes.kill(pid)

    def survivors(self) -> dict[str, list[int]]:
        """Whoever is left of each trick."""
        found: dict[str, list[int]] = {}
        for pid in pids():
            if (name := self._trick_of(pid)) in self.tricks:
                found.setdefault(name, []).append(pid)
        return found

    def reason(self, name: str) -> str:
        """What ezrec says of the end."""
        return str(self.folder.journal(name, "ended")[-1]["reason"])

    def _write(self) -> None:
        self.folder.configure(
            f"stages: {{merge: {{limit: {self.at_once}, attempts: 1, timeout: {LIMIT} s, grace: {GRACE} s}}}}"
        )
        (self.folder.root / "hooks" / "merge.sh").unlink()
        cases = "".join(f"if recording == {n!r}:\n    {t.does}\n" for n, t in self.tricks.items())
        hook = self.folder.root / "hooks" / "merge.py"
        hook.write_text(_TOOLS + cases)
        hook.chmod(0o755)
        for name in self.tricks:
            self.folder.drop(name, ".done")

    def _is_over(self, name: str) -> bool:
        return bool(self.folder.markers(name) & {".merge_error", ".error", ".merged"})

    def _watch(self) -> None:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        alive = self.survivors()
        for name in self.tricks:
            begun = self.folder.journal(name, "attempt")
            if name in alive:
                self.over.pop(name, None)
            elif begun and name not in self.over:
                self.over[name] = round(now - begun[0]["up"] - LIMIT - GRACE, 1)
        time.sleep(0.05)

    def _trick_of(self, pid: int) -> str:
        """The recording that a process works in, or that its arguments name."""
        try:
            place = Path(os.readlink(f"/proc/{pid}/cwd"))
            told = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            return ""  # gone, or a zombie: it has no directory
        if place.parent == self.folder.root:
            return place.name
        return told.partition(f"token:{self.folder.root}:")[2].strip("\0")
