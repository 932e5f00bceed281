"""The instrument reaches every process of ezrec, and does what its plan says there."""

from __future__ import annotations

import errno
import subprocess

import pytest

from tests.disk.instrument import Instrument, Plan
from tests.ezrec.station_fixture import EZREC, Folder


def watch_once(folder: Folder, instrument: Instrument) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [instrument.python, EZREC, "--root", folder.root, "watch", "--once"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder.site,
    )


@pytest.fixture
def instrument(folder: Folder) -> Instrument:
    made = Instrument(folder.site / "instrument")
    (folder.root / "hooks" / "upload.sh").unlink()  # ezrec's own, in Python
    (folder.root / "archive" / ".ezrec-archive").touch()
    return made


def test_calls_of_every_role_are_counted(folder: Folder, instrument: Instrument) -> None:
    """Daemon, supervisor and hook: numbered from 1 without a gap, in the order in which they were made."""
    folder.drop("match", ".done")
    ended = watch_once(folder, instrument)
    assert ended.returncode == 0, ended.stderr
    for role in ("daemon", "supervisor", "hook"):
        numbers = [each.number for each in instrument.trace if each.role == role]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 10


def test_a_planned_failure_comes_where_it_was_planned(
    folder: Folder, instrument: Instrument
) -> None:
    """The first fsync of a Python hook fails with EIO: the hook says so, and the attempt is not good."""
    folder.drop("match", ".done")
    instrument.arm(Plan(do="fail", role="hook", calls=("sync",), first=1, last=1, errno=errno.EIO))
    ended = watch_once(folder, instrument)
    (failed,) = instrument.fired
    assert (failed.role, failed.call, failed.number) == ("hook", "sync", 1)
    assert "Traceback" not in ended.stderr
    assert folder.markers("match") == {".merged"}


@pytest.mark.parametrize("role", ["daemon", "supervisor", "hook"])
def test_a_planned_kill_kills_once(folder: Folder, instrument: Instrument, role: str) -> None:
    """The process is killed at that call; what is started afterwards is left alone."""
    folder.drop("match", ".done")
    instrument.arm(Plan(do="kill", role=role, calls=("sync",), first=2, last=2))
    while watch_once(folder, instrument).returncode != 0:
        pass
    assert [each.role for each in instrument.fired] == [role]
    folder.wait_for("match", ".completed")
