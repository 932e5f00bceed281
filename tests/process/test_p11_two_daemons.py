"""P11: a second daemon is refused; where two work on a root all the same, no stage runs twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ezrec.statemachine import processes
from tests.conftest import Figure
from tests.ezrec.station_fixture import Daemon, Folder
from tests.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
#: The witness: a lock that the kernel takes away when the hook and all its children are gone.
WITNESS = 'exec 9>> "$site/witness/$EZREC_RECORDING_ID.$EZREC_HOOK"; flock -n 9 || say double\n'
QUICK = """\
settle: 0.05 s
stages:
  merge: {limit: 4, backoff: 0.05 s}
  upload: {limit: 4, backoff: 0.05 s}
"""
PER_ROUND = 2


@dataclass(kw_only=True)
class Pair:
    """Two daemons on one root, neither of which takes notice of the other; killed ones are replaced."""

    folder: Folder
    chance: random.Random
    daemons: list[Daemon] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def revive(self) -> None:
        """Until two are there and have looked at everything once."""
        self.daemons = [each for each in self.daemons if each.process.poll() is None]
        while len(self.daemons) < 2:
            self.daemons.append(self._start())
        wait_until(lambda: all(daemon.said("ready") for daemon in self.daemons), 30)

    def _start(self) -> Daemon:
        self.done["started"] += 1
        log = self.folder.site / f"unclaimed-{self.done['started']}.log"
        arguments = [sys.executable, "-m", "tests.process.unclaimed", str(self.folder.root)]
        with log.open("wb") as stderr:
            return Daemon(subprocess.Popen(arguments, stderr=stderr, cwd=REPOSITORY), log)

    def trouble(self, stops: bool) -> None:
        """One of what may happen to them, at a moment that nobody chose."""
        what = self.chance.choice(TROUBLES + ([_stop_nursery] if stops else []))
        time.sleep(self.chance.uniform(0, 0.2))
        self.done[what.__name__.strip("_").replace("_", " ")] += 1
        what(self)

    def nurseries(self) -> list[int]:
        """Those of the daemons that live."""
        parents = {str(daemon.process.pid) for daemon in self.daemons}
        return [
            pid
            for daemon in self.daemons
            for pid in processes.descendants(daemon.process.pid)
            if parents.intersection(processes.stat_fields(pid)[1:2])
        ]

    def signal_nursery(self, number: int) -> None:
        there = sorted(self.nurseries())
        if there:
            processes.kill(self.chance.choice(there), number)

    def end(self) -> None:
        for daemon in self.daemons:
            daemon.kill()


def _nothing(_pair: Pair) -> None: ...


def _kill_one(pair: Pair) -> None:
    pair.chance.choice(pair.daemons).kill()


def _kill_both(pair: Pair) -> None:
    for daemon in pair.daemons:
        daemon.kill()


def _kill_nursery(pair: Pair) -> None:
    pair.signal_nursery(signal.SIGKILL)


def _stop_nursery(pair: Pair) -> None:
    pair.signal_nursery(signal.SIGSTOP)


TROUBLES: list[Callable[[Pair], None]] = [
    *[_nothing, _kill_one, _kill_nursery],
    *[_nothing, _kill_both, _kill_nursery],
]


def watched(folder: Folder) -> None:
    """The hooks, each with the witness."""
    folder.configure(QUICK)
    (folder.site / "witness").mkdir()
    for stage in ("merge", "upload"):
        text = (folder.root / "hooks" / f"{stage}.sh").read_text()
        folder.hook(f"{stage}.sh", text.replace("gate\n", WITNESS + "sleep 0.05\n", 1))


def test_p11_two_daemons_run_no_stage_twice(folder: Folder, figure: Figure, long: bool) -> None:
    """Recordings dropped before two daemons, of whom one, the other, both or what starts their hooks
    may be killed or stopped at any moment: no hook begins while another of its stage and recording
    lives, each stage is begun once and ended once, each object is archived once."""
    watched(folder)
    rounds, seed = 1000 if long else 40, random.SystemRandom().randrange(2**32)
    figure("P11 two daemons: seed", seed)
    pair = Pair(folder=folder, chance=random.Random(seed))
    names = [f"r{number}-{n}" for number in range(rounds) for n in range(PER_ROUND)]
    try:
        for number in range(rounds):
            pair.revive()
            now = names[number * PER_ROUND :][:PER_ROUND]
            for name in now:
                folder.drop(name, ".done")
            pair.trouble(stops=number % 10 == 5)
            pair.revive()
            for name in now:
                folder.wait_for(name, ".completed", seconds=60)
    finally:
        pair.end()
    begun = Counter((call.hook, call.recording) for call in folder.calls("start"))
    ended = Counter((call.hook, call.recording) for call in folder.calls("end"))
    doubles = folder.calls("double")
    figure("P11 two daemons: rounds", rounds)
    figure("P11 two daemons: what happened", dict(sorted(pair.done.items())))
    figure("P11 two daemons: stages run", sum(begun.values()))
    figure("P11 two daemons: double runs", len(doubles))
    figure("P11 two daemons: stages done again", sum(count - 1 for count in begun.values()))
    assert doubles == []
    assert set(begun) == {(stage, name) for stage in ("merge", "upload") for name in names}
    assert set(begun.values()) == set(ended.values()) == {1}
    assert folder.archived() == sorted(f"{name}.mp4" for name in names)


def test_p11_a_second_daemon_is_refused(folder: Folder, figure: Figure) -> None:
    """With the lock in its place: 75, while the first one works and after it was killed and replaced."""
    refused = 0
    for name in ("one", "two"):
        with folder.daemon() as first:
            folder.drop(name, ".done")
            with folder.daemon(wait=False) as second:
                refused += second.wait() == os.EX_TEMPFAIL
            folder.wait_for(name, ".completed")
            first.kill()
    figure("P11 second daemons tried and refused", f"2, {refused}")
    assert refused == 2
