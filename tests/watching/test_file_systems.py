"""A root on a file system that can't keep the promises is refused with the reason; --unsafe-fs runs it.

None of these file systems is to be had everywhere. What such a one would answer is put in the place of the
probed call, by the audit event that announces it, in the real daemon.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ezrec.statemachine.probe import probe
from ezrec.statemachine.root import Root, make_root
from ezrec.statemachine.watcher import sends_events
from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder

_DAEMON = """
import errno, os, sys
from ezrec.statemachine import calls
def hook(event, arguments):
    if event == calls.EVENT:
        call, fd, *rest = arguments
        {act}
sys.addaudithook(hook)
sys.argv = ["ezrec", *sys.argv[1:]]
from ezrec.cli import main
main()
"""


def watch_once(folder: Folder, act: str, *options: str) -> subprocess.CompletedProcess[str]:
    """`ezrec watch --once` where `act` is done before each call: it may raise."""
    argv = [sys.executable, "-c", _DAEMON.format(act=act), "--root", str(folder.root), "watch"]
    return subprocess.run(
        [*argv, "--once", *options], capture_output=True, text=True, timeout=60, cwd=folder.site
    )


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A call that answers as where the file system has no such thing, what is said, and whether it can be
    worked on all the same."""

    act: str
    said: str
    runs: bool


MISSING = {
    "no-replace rename": Missing(
        act="if call == 'rename_new': raise OSError(errno.EINVAL, 'Invalid argument')",
        said="it can't rename without replacing",
        runs=True,
    ),
    "upper and lower case": Missing(
        act="if call == 'status' and rest == ['CASE'] and 'CASE' not in os.listdir(fd): "
        "os.symlink('case', 'CASE', dir_fd=fd)",
        said="it takes names that differ in case for the same",
        runs=True,
    ),
    "events": Missing(
        act="if call == 'open' and rest[0] == 'bird': raise OSError(errno.EIO, 'no bird flies')",
        said="no event comes back from it",
        runs=True,
    ),
    "flock": Missing(
        act="if call == 'lock': raise OSError(errno.ENOLCK, 'No locks available')",
        said="it keeps no locks",
        runs=False,
    ),
    "a lock that keeps nobody out": Missing(
        act="if call == 'lock' and os.readlink(f'/proc/self/fd/{fd}').endswith('probe'): "
        "raise OSError(errno.EOPNOTSUPP, 'not supported')",
        said="it keeps no locks",
        runs=False,
    ),
    "fsync of a directory": Missing(
        act="if call == 'sync' and os.readlink(f'/proc/self/fd/{fd}').endswith('probe'): "
        "raise OSError(errno.EINVAL, 'Invalid argument')",
        said="it can't bring a directory to the disk",
        runs=False,
    ),
}


@pytest.mark.parametrize("missing", MISSING)
def test_p05_a_root_that_cannot_keep_the_promises_is_refused(folder: Folder, missing: str) -> None:
    """Before anything is acted on, with the reason and the way out; the drop is as it was."""
    place = folder.drop("match", ".done")
    case = MISSING[missing]
    ended = watch_once(folder, case.act)
    assert ended.returncode == 69, ended.stderr
    assert case.said in ended.stderr
    assert ("--unsafe-fs" in ended.stderr) is case.runs
    assert "Traceback" not in ended.stderr
    assert set(os.listdir(place)) == {"camera_0.mp4", ".done"}
    assert "probe" not in os.listdir(folder.root / ".ezrec")


@pytest.mark.parametrize("missing", MISSING)
def test_p05_an_unsafe_file_system_is_worked_on_by_scanning(folder: Folder, missing: str) -> None:
    """With --unsafe-fs: it says what may be lost, and takes the drop to its end; but not where nothing
    can be promised at all."""
    folder.drop("match", ".done")
    case = MISSING[missing]
    ended = watch_once(folder, case.act, "--unsafe-fs")
    assert ended.returncode == (0 if case.runs else 69), ended.stderr
    if case.runs:
        assert folder.markers("match") == {".completed"}
        assert missing == "events" or f"unsafe file system: {case.said}: " in ended.stderr
        assert "scanning every" in ended.stderr


def test_what_is_there_is_kept_without_such_a_rename(folder: Folder) -> None:
    """An operator's marker that stands there already is a push, on such a file system too."""
    folder.hook("merge.sh", "say end; touch .merge_error; cp camera_0.mp4 merged.mp4\n")
    folder.drop("match", ".done")
    ended = watch_once(folder, MISSING["no-replace rename"].act, "--unsafe-fs")
    assert folder.markers("match") == {".merge_error"}, ended.stderr
    assert "merge_failed!" in folder.states("match")


def test_p03_a_disk_that_is_full_at_the_start_is_no_unsafe_one(folder: Folder) -> None:
    """It can't be tried just now: that is said, and the daemon starts."""
    act = "if call == 'mkdir' and rest == ['probe']: raise OSError(errno.ENOSPC, 'No space left')"
    folder.drop("match", ".done")
    ended = watch_once(folder, act)
    assert ended.returncode == 0, ended.stderr
    assert "can't be tried just now: No space left" in ended.stderr
    assert folder.markers("match") == {".completed"}


def test_leavings_of_a_probe_that_was_killed_are_in_nobodys_way(folder: Folder) -> None:
    """They are removed by the next one."""
    (folder.root / ".ezrec" / "probe").mkdir(parents=True)
    (folder.root / ".ezrec" / "probe" / "case").touch()
    folder.ezrec("watch", "--once")
    assert not (folder.root / ".ezrec" / "probe").exists()


@contextmanager
def mounted(kind: str, at: Path) -> Iterator[bool]:
    """A fresh file system of that kind, or False where one may not be mounted."""
    at.mkdir()
    upper, work = at.with_name(f"{at.name}-upper"), at.with_name(f"{at.name}-work")
    lower = at.with_name(f"{at.name}-lower")
    for each in (upper, work, lower):
        each.mkdir()
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    argv = ["mount", "-t", kind, *(("-o", options) if kind == "overlay" else ()), kind, str(at)]
    if subprocess.run(argv, capture_output=True).returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def test_p05_file_systems_that_are_here(tmp_path: Path, figure: Figure) -> None:
    """What the machine has is taken for what it is: nothing is lacking, events come back. Where nothing may
    be mounted, the file system of the temporary directory stands in for all."""
    tried = [f"{_kind(tmp_path)} (as it is)"]
    make_root(tmp_path / "plain")
    assert _lacks(tmp_path / "plain") == ((), True)
    for kind in ("tmpfs", "ramfs", "overlay"):
        with mounted(kind, tmp_path / kind) as there:
            if there:
                make_root(tmp_path / kind)
                assert _lacks(tmp_path / kind) == ((), True), kind
                tried.append(kind)
    figure("file systems tried as roots", ", ".join(tried))


def _lacks(path: Path) -> tuple[tuple[object, ...], bool]:
    root = Root(path)
    try:
        return probe(root), sends_events(root)
    finally:
        root.close()


def _kind(path: Path) -> str:
    argv = ["stat", "-f", "-c", "%T", str(path)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
