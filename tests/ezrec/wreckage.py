"""Roots as an operator may find them: recordings of every kind, broken in every way we know of, by chance."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ezrec.config import load
from ezrec.setup import make_station
from ezrec.statemachine import operate
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.world import World
from ezrec.station import Station
from tests.ezrec.station_fixture import tiny_mp4

MARKERS = (".done", ".merged", ".completed", ".merge_error", ".error")
STATES = ("idle", "recorded", "merged", "completed", "merge_failed", "failed")
Fault = Callable[[Path, random.Random, World], None]


@contextmanager
def opened(root: Path) -> Iterator[World]:
    """The world over a root, as a program has it."""
    with Station(load(None, {"root": str(root)}, {})) as station:
        yield station.engine.world


def journal_of(place: Path, world: World) -> tuple[Journal, int]:
    fd = os.open(place, os.O_RDONLY)
    return Journal(fd, world.root.id, world.clock), fd


def _append(place: Path, world: World, kind: str, **fields: object) -> None:
    journal, fd = journal_of(place, world)
    try:
        journal.append(kind, durable=False, **fields)
    except OSError:
        pass  # an earlier fault has taken the journal away
    finally:
        os.close(fd)


def _make(place: Path, data: bytes = b"") -> None:
    if not os.path.lexists(place):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)


def _clear(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def second_marker(place: Path, rng: random.Random, world: World) -> None:
    for marker in rng.sample(MARKERS, rng.randint(1, 2)):
        _make(place / marker)


def stale_lock(place: Path, rng: random.Random, world: World) -> None:
    _make(place / ".lock", b"pid 4711")


def no_marker(place: Path, rng: random.Random, world: World) -> None:
    for marker in MARKERS:
        if (place / marker).is_file():
            (place / marker).unlink()


def odd_marker(place: Path, rng: random.Random, world: World) -> None:
    _odd(place / rng.choice((*MARKERS, ".lock")), rng)


def _odd(name: Path, rng: random.Random) -> None:
    _clear(name)
    match rng.randrange(4):
        case 0:
            name.symlink_to("camera_0.mp4")
        case 1:
            name.mkdir()
            (name / "camera_9.mp4").write_bytes(f"put there {rng.getrandbits(64)}".encode())
        case 2:
            os.mkfifo(name)
        case _:
            name.write_bytes(b"")
            name.with_name("linked" + name.name).hardlink_to(name)


def hard_linked_backup(place: Path, rng: random.Random, world: World) -> None:
    """`cp -al` of the whole recording to somewhere else."""
    backup = world.root.path.parent / f"backup-{rng.getrandbits(64):x}"
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink():
            there = backup / path.relative_to(place)
            there.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, there)


def torn_tail(place: Path, rng: random.Random, world: World) -> None:
    journal = place / "logs" / "journal"
    if journal.is_file() and not journal.is_symlink():
        data = journal.read_bytes()
        journal.write_bytes(data[: -rng.randint(1, 40)] if len(data) > 60 else data + b"0bad")


def flipped(place: Path, rng: random.Random, world: World) -> None:
    journal = place / "logs" / "journal"
    if journal.is_file() and (data := bytearray(journal.read_bytes())):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        journal.write_bytes(data)


def no_plain_journal(place: Path, rng: random.Random, world: World) -> None:
    if (place / "logs").is_dir():
        _odd(place / "logs" / "journal", rng)


def no_logs(place: Path, rng: random.Random, world: World) -> None:
    _clear(place / "logs")
    if rng.random() < 0.5:
        (place / "logs").write_bytes(b"a log of the system before")
    else:
        (place / "logs").symlink_to("/var/log")


def partials(place: Path, rng: random.Random, world: World) -> None:
    names = ("merged.mp4.partial", ".recording.json.partial", ".ezrec-123.done", ".ezrec-poke-77")
    for name in rng.sample(names, 2):
        _make(place / name, b"half of it")
    _make(place / "camera_0.mp4.partial", f"half of a take {rng.getrandbits(64)}".encode())
    if not (place / "logs").is_file() and not (place / "logs").is_symlink():
        for name in rng.sample((".run-ab.partial", ".run-cd", ".progress"), 2):
            _make(place / "logs" / name, b"{}")


def open_run(place: Path, rng: random.Random, world: World) -> None:
    """An attempt whose supervisor is dead; it may have left its end."""
    stage, state = rng.choice(
        (("merge", "recorded"), ("upload", "merged"), ("capture", "recording"))
    )
    run = f"{rng.getrandbits(128):032x}"
    told = {"run": run, "stage": stage, "state": state, "attempt": rng.randint(1, 3)}
    _append(place, world, "attempt", **told)
    if rng.random() < 0.5:
        _make(place / ".lock")
    if rng.random() < 0.6 and (place / "logs").is_dir():
        end = {"run": run, "exit": rng.choice((0, 0, 1, 65, 75, 78)), "command": "/hooks/x"}
        _make(place / "logs" / f".run-{run}", json.dumps(end).encode())


def pending(place: Path, rng: random.Random, world: World) -> None:
    _append(place, world, "ended", to=rng.choice(STATES[1:]), reason="a crash", result="finished")


def broken_document(place: Path, rng: random.Random, world: World) -> None:
    _clear(place / "recording.json")
    (place / "recording.json").write_bytes(rng.choice((b"", b"[1]", b'{"id":', b"\xff\x00")))


def no_sound_output(place: Path, rng: random.Random, world: World) -> None:
    _clear(place / "merged.mp4")
    if rng.random() < 0.5:
        (place / "merged.mp4").write_bytes(tiny_mp4()[:-3])


def no_receipt(place: Path, rng: random.Random, world: World) -> None:
    _clear(place / "receipt.json")
    if rng.random() < 0.5:
        (place / "receipt.json").write_text('{"pending": {}}')


def held(place: Path, rng: random.Random, world: World) -> None:
    _make(place / ".hold")


def nested(place: Path, rng: random.Random, world: World) -> None:
    (place / "final").mkdir(exist_ok=True)
    (place / "final" / "camera_0.mp4").write_bytes(f"nested {rng.getrandbits(64)}".encode())
    _make(place / "final" / ".done")


def copied(place: Path, rng: random.Random, world: World) -> None:
    """`cp -a` in the place of the directory itself: its journal is another inode's."""
    aside = place.with_name("aside")
    try:
        shutil.copytree(place, aside, symlinks=True, copy_function=_copy)
    except shutil.Error:
        shutil.rmtree(aside)
        return
    shutil.rmtree(place)
    aside.rename(place)


def _copy(source: str, target: str) -> None:
    if not Path(source).is_file() and not Path(source).is_symlink():
        raise OSError(errno.EINVAL, "no file to copy", source)
    shutil.copy2(source, target, follow_symlinks=False)


def refused_name(place: Path, rng: random.Random, world: World) -> None:
    name = rng.choice(("Müller gegen Schmidt", "match (1)", "-x", "a\nb", "match (1) "))
    if not place.with_name(name).exists():
        place.rename(place.with_name(name))


FAULTS: tuple[Fault, ...] = (
    *(second_marker, stale_lock, no_marker, odd_marker, hard_linked_backup, torn_tail, flipped),
    *(no_plain_journal, no_logs, partials, open_run, pending, broken_document, no_sound_output),
    *(no_receipt, held, nested, copied),
)


def wreck(root: Path, rng: random.Random) -> list[str]:
    """Make a root of a few recordings with a few faults each; the faults' names."""
    make_station(root)
    (root / "ezrec.yaml").write_text("settle: 0\n")
    done = []
    with opened(root) as world:
        for number in range(rng.randint(1, 3)):
            dated = rng.random() < 0.3
            place = root / (f"2026-11-2{number}/match" if dated else f"match-{number}")
            _recording(place, rng, world)
            for fault in rng.sample(FAULTS, rng.randint(0, 4)):
                fault(place, rng, world)
                done.append(fault.__name__)
            if rng.random() < 0.15:
                refused_name(place, rng, world)
                done.append("refused_name")
        done += _root_faults(root, rng)
    return done


def _recording(place: Path, rng: random.Random, world: World) -> None:
    place.mkdir(parents=True)
    for camera in range(rng.randint(0, 2)):
        (place / f"camera_{camera}.mp4").write_bytes(f"footage {rng.getrandbits(128)}".encode())
    if rng.random() < 0.7:
        (place / "merged.mp4").write_bytes(tiny_mp4())
    (place / "recording.json").write_text('{"id": "x"}')
    name = str(place.relative_to(world.root.path))
    state = rng.choice(STATES)
    if rng.random() < 0.3 and state != "idle":
        (place / MARKERS[STATES.index(state) - 1]).touch()
    else:
        operate.push(world, name, state, "a test")


def _root_faults(root: Path, rng: random.Random) -> list[str]:
    done = []
    if rng.random() < 0.2:
        building = root / ".ezrec" / f"new-{rng.getrandbits(64):016x}"
        (building / "logs").mkdir(parents=True)
        (building / rng.choice(("recording.json", ".lock", "camera_0.mp4"))).write_bytes(b"new")
        done.append("killed_new")
    if rng.random() < 0.2:
        tell = {"run": "ab" * 16, "recording": "gone", "state": "merged", "origin": "merging"}
        (root / ".ezrec" / "tells").mkdir(parents=True, exist_ok=True)
        (root / ".ezrec" / "tells" / ("ab" * 16)).write_text(json.dumps(tell))
        done.append("stale_tell")
    if rng.random() < 0.1:
        (root / "archive" / ".ezrec-archive").unlink()
        done.append("no_archive_mark")
    if rng.random() < 0.1:
        (root / "2026-11-20").mkdir(exist_ok=True)
        (root / "2026-11-20" / "camera_0.mp4").write_bytes(b"misplaced footage")
        done.append("misplaced_file")
    return done
