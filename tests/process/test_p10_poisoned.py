"""P10: a poisoned recording stops after its attempts, whoever each attempt kills; a reboot is no attempt."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from ezrec.statemachine.history import MAX_INTERRUPTIONS
from ezrec.statemachine.runs import Progress, read_progress
from ezrec.statemachine.testing import FakeClock
from tests.conftest import Figure
from tests.disk.instrument import Instrument, Plan
from tests.ezrec.station_fixture import Daemon, Folder
from tests.process.alone import Alone
from tests.waiting import wait_until

FINDS = """\
daemon=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/' "$EZREC_ROOT/.ezrec/daemon.json")
supervisor=$PPID
nursery=$(cut -d' ' -f4 /proc/$PPID/stat)
"""
VICTIMS = ("$daemon", "$supervisor", "$daemon $supervisor", "$daemon $nursery $supervisor")


@pytest.mark.parametrize("victims", VICTIMS)
def test_p10_attempts_used_are_attempts_allowed(
    folder: Folder, figure: Figure, long: bool, victims: str
) -> None:
    """Every attempt kills the daemon, its supervisor or all there is; each is counted, none too many."""
    allowed = 6 if long else 2
    folder.configure(f"stages: {{merge: {{attempts: {allowed}, backoff: 0.02 s}}}}")
    folder.hook("merge.sh", f"{FINDS}kill -9 {victims}; exit 1\n")
    folder.drop("match", ".done")
    daemons = 0
    while not _given_up(folder):
        daemons += 1
        assert daemons <= allowed + 1, folder.journal("match")
        with folder.daemon() as daemon:
            wait_until(lambda d=daemon: d.process.poll() is not None or _given_up(folder), 30)  # type: ignore[misc]  # bound at once
    used = len(folder.calls("start", "merge"))
    figure(f"P10 killing {victims}: attempts used, allowed, daemons", (used, allowed, daemons))
    assert used == allowed
    assert [line["attempt"] for line in folder.journal("match", "attempt")] == [
        *range(1, 1 + allowed)
    ]
    assert daemons == (allowed + 1 if "$daemon" in victims else 1)


def _given_up(folder: Folder) -> bool:
    return folder.markers("match") == {".merge_error"}


def test_p10_a_hook_faster_than_its_supervisor_is_counted(folder: Folder, tmp_path: Path) -> None:
    """Its supervisor is killed after it has started the hook, and before it could tell which it is."""
    instrument = Instrument(tmp_path / "instrument")
    instrument.arm(Plan(do="kill", role="supervisor", calls=("write_at",), first=3, last=3))
    folder.configure("stages: {merge: {attempts: 1}}")
    with folder.daemon(prefix=(str(instrument.python),)):
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
    (fired,) = instrument.fired
    assert fired.path == str(place / "logs" / ".progress")
    assert [line["result"] for line in folder.journal("match", "ended")] == ["failed"]


def test_p10_a_reboot_is_no_attempt(tmp_path: Path, figure: Figure) -> None:
    """With a clock that reboots: twenty interruptions, all of them in the first attempt; one more, and
    it is an error. A retry by hand begins anew."""
    clock = FakeClock(datetime(1970, 1, 1, tzinfo=UTC))
    with Alone(tmp_path, clock) as alone:
        alone.runner.script = lambda _launch: None
        alone.drop("match")
        for number in range(MAX_INTERRUPTIONS + 1):
            alone.until(lambda: bool(alone.runner.running()))
            assert alone.runner.launches[number].environment["EZREC_ATTEMPT"] == "1"
            clock.reboot()
            alone.runner.kill(alone.runner.running()[0])
        alone.until(lambda: ".merge_error" in alone.names("match"))
        results = [line["result"] for line in alone.journal("match") if line["kind"] == "ended"]
        figure("P10 reboots in mid-attempt, before it is an error", results.count("interrupted"))
        assert results == ["interrupted"] * MAX_INTERRUPTIONS + ["failed"]
        (alone.root / "match" / ".merge_error").unlink()
        alone.until(lambda: bool(alone.runner.running()))


def rebooted(folder: Folder, boot: str) -> Daemon:
    """A daemon to which the machine's boot has another id: a file over the kernel's, for it alone."""
    told = folder.site / "boot_id"
    told.write_text(boot + "\n")
    mount = f'mount --bind {told} /proc/sys/kernel/random/boot_id && exec "$@"'
    return folder.daemon(prefix=("unshare", "--mount", "sh", "-ec", mount, "sh"))


def may_mount() -> bool:
    """Whether this user may have a mount namespace of its own."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def test_p10_a_real_daemon_after_a_reboot(folder: Folder, figure: Figure, long: bool) -> None:
    """Everything dies in mid-attempt, and the next daemon finds another boot: not counted; as often as
    it may be (long), then an error. Where no mount namespace can be had, the clock that reboots, above,
    is the whole check, and here nothing but the kill in the same boot: counted."""
    folder.configure("stages: {merge: {attempts: 2, backoff: 0.02 s}}")
    folder.close_gate("merge")
    folder.drop("match", ".done")
    able, reboots = may_mount(), MAX_INTERRUPTIONS + 1 if long else 2
    for number in range(reboots if able else 1):
        with rebooted(folder, str(uuid4())) if able else folder.daemon() as daemon:
            folder.wait_for_call("start", "merge", times=number + 1)
            wait_until(lambda: bool((told := progress(folder)) and told.hook))
            power_off(folder, daemon)
    with rebooted(folder, str(uuid4())) if able else folder.daemon():
        if long and able:
            folder.wait_for("match", ".merge_error")
        else:
            folder.wait_for_call("start", "merge", times=reboots + 1 if able else 2)
            folder.open_gate("merge")
            folder.wait_for("match", ".completed")
    results = [line["result"] for line in folder.journal("match", "ended")]
    figure("P10 real daemon, other boots: results", ", ".join(dict.fromkeys(results)))
    figure("P10 real daemon, other boots: interruptions", results.count("interrupted"))
    attempts = [
        line["attempt"] for line in folder.journal("match", "attempt") if line["stage"] == "merge"
    ]
    assert attempts == ([1] * (reboots + (not long)) if able else [1, 2])


def progress(folder: Folder) -> Progress | None:
    fd = os.open(folder.root / "match", os.O_RDONLY)
    try:
        return read_progress(fd)
    finally:
        os.close(fd)


def power_off(folder: Folder, daemon: Daemon) -> None:
    """All of ezrec's processes at once; what is in the cache stays, that is another promise."""
    told = progress(folder)
    assert told is not None
    daemon.kill()
    for pid in (told.nursery, told.supervisor):
        os.kill(pid, signal.SIGKILL)
    folder.end_everything()
