"""The engine's own scan: what it meets, what it takes for a change, and what it takes for gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ezrec.statemachine import files, leases
from ezrec.statemachine.root import Root, make_root
from ezrec.statemachine.sweep import FRESH, Sweep

_SECOND = 1_000_000_000
_NOW = 2_000_000_000 * _SECOND


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make_root(tmp_path / "root")
    for name in ("plain", "2026-11-23/dated", "hooks", ".hidden", "a b", "2026-11-24"):
        (tmp_path / "root" / name).mkdir(parents=True)
    (tmp_path / "root" / "file").touch()
    (tmp_path / "root" / "link").symlink_to("plain")
    (tmp_path / "root" / "2026-11-25").symlink_to("2026-11-23")
    return tmp_path / "root"


@pytest.fixture
def root(path: Path) -> Iterator[Root]:
    root = Root(path, frozenset({"hooks"}))
    yield root
    root.close()


def age(path: Path, seconds: float) -> None:
    """Let a directory have changed so long ago (in the future where it is negative)."""
    when = _NOW - int(seconds * _SECOND)
    os.utime(path, ns=(when, when))


def swept(root: Root, known: dict[str, int]) -> Sweep:
    sweep = Sweep(root, known, _NOW)
    while not sweep.advance(1):
        pass
    return sweep


def test_what_may_be_a_recording_is_met(root: Root) -> None:
    """Directories with a recording's name, below the root or a date; no link is followed."""
    assert set(swept(root, {}).met) == {"plain", "2026-11-23/dated"}


@pytest.mark.parametrize("seconds", [0.0, 1.9, -1.9])
def test_p05_a_change_of_a_moment_ago_is_looked_at_twice(
    root: Root, path: Path, seconds: float
) -> None:
    """What follows it within one tick of the file system's clock moves no time: a marker that is dropped
    just after its directory was listed would be missed for ever where nothing is watched."""
    age(path / "plain", seconds)
    first = swept(root, {})
    assert first.met["plain"] == FRESH
    assert "plain" in swept(root, first.met).changed


@pytest.mark.parametrize("seconds", [2.1, 3600.0, -3600.0])
def test_a_change_of_long_ago_is_looked_at_once(root: Root, path: Path, seconds: float) -> None:
    """However the clock stands: what bears another time can't have changed in this tick."""
    age(path / "plain", seconds)
    first = swept(root, {})
    assert "plain" in first.changed
    assert "plain" not in swept(root, first.met).changed


def test_what_is_gone_is_told(root: Root, path: Path) -> None:
    """And what a listing missed, but is there, is not."""
    known = {**swept(root, {}).met, "never": 1}
    (path / "2026-11-23" / "dated").rmdir()
    sweep = swept(root, known)
    del sweep.met["plain"]
    assert sorted(sweep.gone()) == ["2026-11-23/dated", "never"]


def test_the_leases_that_are_held(root: Root, path: Path) -> None:
    """By the kernel's own table; one that lacks our own lock is not believed, and in a container none is."""
    assert leases.held(root.fd) is None
    with files.directory(path / "plain") as fd:
        assert files.try_lock(fd) and files.try_lock(root.fd)
        held = leases.held(root.fd)
        assert (held is None) == (leases.namespace() != leases.FIRST_NAMESPACE)
        sweep = Sweep(root, {}, _NOW, held or frozenset({os.fstat(fd).st_ino}))
        sweep.advance()
        assert sweep.leased == ["plain"]


def test_it_is_the_root_that_was_opened_that_is_scanned(root: Root, path: Path) -> None:
    """Whatever stands at its path by now."""
    path.rename(path.with_name("away"))
    (path / "other").mkdir(parents=True)
    assert set(swept(root, {}).met) == {"plain", "2026-11-23/dated"}


_INHERITED = """
import fcntl, os, sys, time
from ezrec.statemachine import leases
root, recording = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[1] + "/x", os.O_RDONLY)
fcntl.flock(root, fcntl.LOCK_EX)
if os.fork() == 0:  # the last daemon, which hands its lease to a supervisor, and ends
    fcntl.flock(recording, fcntl.LOCK_EX)
    os._exit(0)
os.wait()
found = leases.held(root)
print("no table" if found is None else os.fstat(recording).st_ino in found)
"""
_CONTAINER = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")


@pytest.mark.parametrize("prefix", [(), _CONTAINER], ids=["machine", "container"])
def test_p11_a_lease_of_the_last_daemon_is_told_of_or_no_table_is(
    tmp_path: Path, prefix: tuple[str, ...]
) -> None:
    """In a pid namespace the kernel leaves out the locks that were taken by a process that has ended:
    to believe that table is to begin more than a stage's limit allows."""
    (tmp_path / "x").mkdir()
    command = [*prefix, sys.executable, "-c", _INHERITED, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert told.strip() in ("True", "no table")
