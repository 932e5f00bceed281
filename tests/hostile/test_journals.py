"""P16: a torn, flipped, shuffled or flooded journal costs history, never state."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ezrec import Station
from ezrec.explain import reason_of
from ezrec.statemachine import decide, journal
from ezrec.statemachine.operate import settle
from ezrec.statemachine.snapshot import snapshot
from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder
from tests.hostile.commands import say
from tests.hostile.forged import line

#: a recording that has come this far -> its state, and the one stage that may be done next
LIVES = {
    "completed": ("completed", ""),
    "waits": ("merged", "upload"),
    "failed": ("merge_failed", ""),
    "fresh": ("recorded", "merge"),
}


@dataclass(frozen=True, kw_only=True)
class Life:
    """A recording as it stands, and its journal as ezrec wrote it."""

    station: Station
    name: str
    whole: bytes

    @property
    def state(self) -> str:
        return LIVES[self.name][0]

    @property
    def path(self) -> Path:
        return self.station.engine.world.root.path / self.name

    def check(self, damaged: bytes, *, settled: bool) -> None:
        """With this journal it is in the state that its marker claims; settled, it stays there, and
        nothing but its own next stage would be done."""
        (self.path / "logs" / "journal").write_bytes(damaged)
        world = self.station.engine.world
        marker = world.lifecycle.state(self.state).marker
        shot = snapshot(world, self.name, whole=True)
        assert shot.state == self.state and not shot.problem, (shot.state, shot.problem)
        assert isinstance(reason_of(shot), str)
        if settled:
            decision = settle(world, self.name).decision
            assert _stage(decision) in ("", LIVES[self.name][1]), decision
            standing = {
                path.name for path in self.path.iterdir() if path.name in world.lifecycle.markers
            }
            assert standing == {marker}


def _stage(decision: decide.Decision) -> str:
    if isinstance(decision, decide.Start | decide.Park | decide.GiveUp):
        return decision.stage.name
    return decision.pause.stage if isinstance(decision, decide.Wait) else ""


@pytest.fixture
def lives(folder: Folder) -> Iterator[list[Life]]:
    """Four recordings that a real daemon has taken as far as they go."""
    folder.configure("settle: 0\nstages: {merge: {attempts: 1}, upload: {backoff: 1 h}}\n")
    for stage, word, code in (("merge", "failed", 1), ("upload", "waits", 75)):
        body = (folder.root / "hooks" / f"{stage}.sh").read_text()
        trouble = f"[ ! -e {word} ] || {{ echo ezrec:note {word}; exit {code}; }}"
        folder.hook(f"{stage}.sh", body.replace("gate\n", f"{trouble}\ngate\n"))
    for name in LIVES:
        folder.drop(name, ".done", files=("camera_0.mp4", name))
    (folder.root / "fresh" / ".hold").touch()
    folder.ezrec("watch", "--once", code=None)
    (folder.root / "fresh" / ".hold").unlink()
    with Station(folder.root) as station:
        settle(station.engine.world, "fresh")
        journals = {name: folder.root / name / "logs" / "journal" for name in LIVES}
        yield [
            Life(station=station, name=name, whole=file.read_bytes())
            for name, file in journals.items()
        ]


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def test_p16_cut_at_each_byte(lives: list[Life], long: bool, figure: Figure) -> None:
    """Every whole line of what is left is read, and the state is what it was."""
    cuts = read = whole_lines = 0
    for life in lives:
        ends = [at for at, byte in enumerate(life.whole) if byte == 0x0A]
        for cut in range(len(life.whole) + 1):
            cuts += 1
            damaged = life.whole[:cut]
            expected = [end for end in ends if end <= cut]
            found = journal.decode(damaged)
            whole_lines += len(expected)
            read += len(found)
            assert len(found) == len(expected), (life.name, cut)
            if long or cut % 29 == 0:
                life.check(damaged, settled=long or cut % 145 == 0)
    figure("P16 cuts, whole lines, of them read", f"{cuts}, {whole_lines}, {read}")
    assert read == whole_lines


def test_p16_each_bit_flipped_in_a_real_journal(
    lives: list[Life], long: bool, figure: Figure
) -> None:
    """The line that was hit may be lost, and no other; the state is what it was."""
    chosen = random.Random(16)
    flips = lost = 0
    for life in lives:
        whole = journal.decode(life.whole)
        bits = range(8 * len(life.whole))
        for bit in bits if long else chosen.sample(bits, 200):
            flips += 1
            damaged = bytearray(life.whole)
            damaged[bit // 8] ^= 1 << bit % 8
            hit = life.whole.count(b"\n", 0, bit // 8)
            found = journal.decode(bytes(damaged))
            others = whole[:hit] + whole[hit + 1 :]
            assert found in (whole, others), (life.name, bit)
            lost += len(whole) - len(found)
            if long or flips % 8 == 0:
                life.check(bytes(damaged), settled=flips % 32 == 0)
    figure("P16 bits flipped, lines lost", f"{flips}, {lost}")


def shuffles(whole: bytes, chosen: random.Random) -> Iterator[bytes]:
    """The lines doubled, left out, joined, turned round and mixed with each other and with junk."""
    lines = lines_of(whole)
    yield b"".join(lines * 2)
    yield b"".join(lines[::-1])
    yield whole.replace(b"\n", b"")
    yield whole.replace(b"\n", b"\0")
    yield whole.replace(b"\n", b"\r\n")
    yield whole.replace(b"\n", b"\n\n\n")
    for number in range(len(lines)):
        yield b"".join(lines[:number] + lines[number + 1 :])
        yield b"".join(lines[: number + 1] * 2 + lines[number + 1 :])
    while True:
        mixed = chosen.choices(lines, k=chosen.randint(0, 2 * len(lines)))
        junk = [chosen.randbytes(chosen.randint(0, 99)) for _ in range(3)]
        yield b"".join(chosen.sample(mixed + junk, len(mixed) + len(junk)))


def test_p16_lines_doubled_mixed_and_joined(lives: list[Life], long: bool, figure: Figure) -> None:
    """In whatever order its own lines come, or another's: no traceback, and the marker is believed."""
    chosen = random.Random(61)
    tried = 0  # each is checked to keep its state
    everything = b"".join(life.whole for life in lives)
    for life in lives:
        for whole in (life.whole, everything):
            for damaged, _ in zip(
                shuffles(whole, chosen), range(2000 if long else 24), strict=False
            ):
                tried += 1
                life.check(damaged, settled=tried % 4 == 0)
    figure("P16 journals mixed up, the state kept", tried)


FLOODS = {
    "zeros": b"\0",
    "newlines": b"\n",
    "one line": b"x",
    "short lines": b"a\n",
    "brackets": b"[",
    "what looks like ours": b"00000000 {\n",
    "what looks like ours, in one line": b"00000000 {",
}


def test_p16_a_flood_of_nothing(
    lives: list[Life],
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    long: bool,
    figure: Figure,
) -> None:
    """Before the lines that count and behind them: read in bounded time and memory, the state stays."""
    (life, *_) = lives
    megabytes = 100 if long else 12
    for kind, piece in FLOODS.items() if long else list(FLOODS.items())[:-2]:
        flood = (piece * (1 << 20))[: 1 << 20] * megabytes
        slowest, grown = 0.0, 0
        for damaged, lines in ((flood + b"\n" + life.whole, True), (life.whole + flood, False)):
            began = time.process_time()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            life.check(damaged, settled=False)
            told = say(monkeypatch, folder.root, "history", life.name)
            grown = max(grown, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
            slowest = max(slowest, time.process_time() - began)
            assert told.code == 0
            assert len(told.out.splitlines()) == len(lines_of(life.whole)) * lines
        assert slowest < 60 and grown < 256, (kind, slowest, grown)
        figure(f"P16 {megabytes} MB of {kind}: seconds of CPU, MiB more", f"{slowest:.2f}, {grown}")


def test_p16_history_alone_is_lost_with_the_journal(lives: list[Life], figure: Figure) -> None:
    """No journal, an empty one, one of another directory, another boot's or a deep one: the marker counts."""
    empty = [
        b"",
        b"\n",
        line({"kind": "state", "state": "idle", "dir": "1@x"}),
        line({"kind": "x", "deep": {}}),
    ]
    deep = b'{"kind":"state","x":' + b"[" * 900 + b"]" * 900 + b"}"
    tried = 0
    for life in lives:
        for damaged in (*empty, deep, life.whole + deep):
            life.check(damaged, settled=True)
            tried += 1
    figure("P16 journals that say nothing, the state kept", tried)
