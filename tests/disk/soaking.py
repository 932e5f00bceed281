"""Random KILLs: of the daemon, the process that forks supervisors, a supervisor, or a hook's processes."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.disk.lives import Lives
from tests.ezrec.station_fixture import pids

#: and how often each of them in turn: a daemon that is killed all the time gets nothing done
KINDS = {"daemon": 2, "nursery": 3, "supervisor": 8, "hook": 8}


@dataclass(kw_only=True)
class Killer:
    """Kills one process of a random kind at each turn that chance says so, `times` in all."""

    lives: Lives
    chance: random.Random
    often: float
    times: int
    killed: Counter[str] = field(default_factory=Counter)

    def turn(self) -> None:
        if self.killed.total() < self.times and self.chance.random() < self.often:
            (kind,) = self.chance.choices(list(KINDS), list(KINDS.values()))
            if found := self._found(kind):
                self._kill(kind, self.chance.choice(found))

    def _kill(self, kind: str, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed[kind] += 1

    def _found(self, kind: str) -> list[int]:
        running = self.lives.keep()
        daemon = running.process.pid
        match kind:
            case "daemon":
                return [daemon] if running.said("watching") else []
            case "nursery":
                return [pid for pid in pids() if _is_nursery(pid) and parent(pid) == daemon]
            case "supervisor":
                return [pid for pid in pids() if _is_nursery(pid) and self._works_here(pid)]
            case _:
                return self.lives.folder.processes()

    def _works_here(self, pid: int) -> bool:
        try:
            place = Path(os.readlink(f"/proc/{pid}/cwd"))
        except OSError:
            return False
        return self.lives.folder.root in place.parents


def _is_nursery(pid: int) -> bool:
    try:
        return b"ezrec.statemachine.nursery" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def parent(pid: int) -> int:
    """0 where it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])
