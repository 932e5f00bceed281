"""P1 from other sides: random KILLs of every process, second kills during recovery, KILLs from outside."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import Figure
from tests.disk.aftermath import faults
from tests.disk.killing import is_read, traced_points
from tests.disk.lives import Lives
from tests.disk.points import Point
from tests.disk.soaking import Killer
from tests.ezrec.station_fixture import Folder

ROLES = ("daemon", "supervisor", "hook")
INJECTED = (
    "renameat2",
    "rename,renameat",
    "fsync",
    "write",
    "linkat",
    "unlinkat,unlink",
    "openat",
    "flock",
)
#: how often one aim is taken again, each time at an earlier call; the last one is at the first
_AIMS = 7


@pytest.fixture
def lives(folder: Folder) -> Iterator[Lives]:
    made = Lives(folder)
    yield made
    made.end()


@pytest.mark.timeout(3000)
def test_p01_a_soak_of_random_kills(lives: Lives, long: bool, figure: Figure) -> None:
    """Daemon, nursery, supervisors and hooks are killed all the time, while many recordings live: no
    stage ever runs twice at once, and all of them end well.
    """
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    names = [f"r{number:04}" for number in range(1, 301 if long else 17)]
    killer = Killer(lives=lives, chance=random.Random(seed), often=0.25, times=1500 if long else 40)
    lives.slow(0.02)
    lives.instrument.disarm()
    lives.begin(names)
    lives.live(names, seconds=2400 if long else 100, meanwhile=killer.turn)
    lives.stop()
    told = ", ".join(f"{kind} {times}" for kind, times in sorted(killer.killed.items()))
    found = faults(lives, names)
    figure("P1 soak, killed at random", f"{told}; {len(names)} recordings, {len(found)} faults")
    assert found == [], f"seed {seed}"
    assert set(killer.killed) == {"daemon", "nursery", "supervisor", "hook"}


@pytest.mark.timeout(3000)
def test_p01_second_kills_during_recovery(lives: Lives, long: bool, figure: Figure) -> None:
    """Killed at a call that changes something, and once more at a random call while that is mended."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    firsts = [point for point in traced_points(lives) if point.recording and not is_read(point)]
    wanted, came, tried, found, number = 100 if long else 8, 0, 0, [], 0
    while came < wanted:
        names = [f"r{number + each:04}" for each in range(1, 1 + min(20, wanted - came))]
        number += len(names)
        aims = lives.instrument.aim(_pairs(chance, names, firsts))
        lives.begin(names)
        lives.live(names)
        lives.stop()
        came += sum(aims.came(2 * each + 1) for each in range(len(names)))
        tried += len(names)
        found += faults(lives, names)
    figure("P1 second kills", f"{came} of {wanted} wanted, in {tried} runs; {len(found)} faults")
    assert found == [], f"seed {seed}"


def _pairs(chance: random.Random, names: list[str], firsts: list[Point]) -> list[Point]:
    """For each recording a first point, and a second that counts from when the first has come."""
    points: list[Point] = []
    for index, name in enumerate(names):
        points.append(chance.choice(firsts).inside(name))
        second = chance.randrange(1, 40)
        role = chance.choice(ROLES)
        points.append(Point(role=role, site="", nth=second, recording=name, after=2 * index))
    return points


@pytest.mark.timeout(3000)
def test_p01_kills_from_outside(lives: Lives, long: bool, figure: Figure) -> None:
    """strace (`-D`: the daemon stays our own child) kills a process at the n-th call of a thread: also
    between those that we announce, in libraries, in `sh`, and in the interpreter. Where no thread made
    that many, it is aimed anew, until a process was killed.
    """
    assert shutil.which("strace"), "strace is needed: apt install strace"
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lives.instrument.disarm()
    rounds = 12 if long else 1
    runs = [call for call in INJECTED for _ in range(rounds)] if long else ["renameat2", "write"]
    killed, lived, found = 0, 0, []
    for call in runs:
        for most in _aims(call):
            lived += 1
            name, when = f"r{lived:04}", chance.randrange(1, 1 + most)
            lives.begin([name])
            came = _strace(lives, name, call, when)
            found += [f"{each} (strace {call} {when})" for each in faults(lives, [name])]
            lives.clear([name])
            if came:
                killed += 1
                break
    figure(
        "P1 killed from outside",
        f"{killed} of {len(runs)} aimed at, in {lived} lives; {len(found)} faults",
    )
    assert found == [], f"seed {seed}"
    assert killed == len(runs), f"seed {seed}"


def _aims(call: str) -> list[int]:
    """The highest number of a call that is aimed at, in turn: some are made a few times only."""
    most = 4 if call.startswith(("rename", "link", "unlink")) else 40
    return [max(1, most >> number) for number in range(_AIMS)]


def _strace(lives: Lives, name: str, call: str, when: int) -> bool:
    """Let it live with the KILL planned, and without from the daemon's death on. Whether one came."""
    traced = lives.folder.site / f"strace-{name}"
    inject = f"inject={call}:signal=SIGKILL:when={when}"
    lives.prefix = (
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        str(traced),
        "-e",
        f"trace={call}",
        "-e",
        inject,
    )
    before = lives.starts
    lives.live([name], until=lambda: lives.starts > before + 1 or lives.completed(name))
    lives.prefix = ()
    lives.live([name])
    lives.stop()
    return "killed by SIGKILL" in traced.read_text()
