"""What `ezrec why` says of what is in a recording's way, and that the command that it names helps."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from ezrec.statemachine import processes
from tests.ezrec.command_line import PLAIN, REVIEW, UNTIL_GO, Site, check_golden
from tests.waiting import wait_until


def test_settling(site: Site) -> None:
    """A drop is waited for; whoever knows better says so."""
    site.configure(PLAIN.replace("settle: 0", "settle: 10 min"))
    site.footage()
    with site.daemon():
        site.path("a", ".done").touch()
        answer = site.why()
        check_golden(site, "settling", answer)
        site.follow(answer, "not to wait for that")
        site.wait("completed")


@pytest.mark.parametrize("way", ["to go on", "or"])
def test_held(site: Site, way: str) -> None:
    """Held, with the reason; released by the command or by removing the file."""
    site.footage()
    site.ezrec("push", "a", "recorded")
    site.ezrec("hold", "a", "--reason", "the customer asked us to wait")
    assert site.once() == 0
    answer = site.why()
    check_golden(site, "held", answer)
    site.follow(answer, way)
    assert (site.once(), site.state()) == (0, "completed")


def test_held_while_it_runs(site: Site) -> None:
    """A hold during a stage waits for its end, and says so."""
    site.footage(merge=UNTIL_GO)
    with site.daemon():
        site.ezrec("push", "a", "recorded")
        wait_until(site.minded, 20)
        site.ezrec("hold", "a", "--reason", "wait")
        answer = site.why()
        check_golden(site, "held-while-running", answer)
        site.follow(answer, "to go on after that")
        site.path("a", "go").touch()
        site.wait("completed")


def test_retry_wait(site: Site) -> None:
    """A failed attempt waits for its next one; it can be had at once."""
    site.configure("settle: 0\nstages:\n  merge: {attempts: 3, backoff: 10 min}\n")
    site.footage(merge="echo out of luck\nexit 1\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "recorded")
    answer = site.why()
    check_golden(site, "retry-wait", answer)
    site.path("a", "merge.sh").unlink()
    site.follow(answer, "to try at once")
    assert (site.once(), site.state()) == (0, "completed")


def test_world_away(site: Site) -> None:
    """The archive is away: that is no attempt."""
    site.configure(PLAIN + "  upload: {backoff: 10 min}\n")
    site.footage(upload="echo ezrec:note the archive is not mounted\nexit 75\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "merged")
    answer = site.why()
    check_golden(site, "world-away", answer)
    site.path("a", "upload.sh").unlink()
    site.follow(answer, "to try at once")
    assert (site.once(), site.state()) == (0, "completed")


def test_parked(site: Site) -> None:
    """The hook says that its set-up is wrong: parked, not tried in vain."""
    site.footage(upload="echo ezrec:note NAS_TOKEN is not set\nexit 78\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "merged")
    answer = site.why()
    check_golden(site, "parked", answer)
    site.path("a", "upload.sh").unlink()
    site.follow(answer, "when that is mended")
    assert (site.once(), site.state()) == (0, "completed")


@pytest.mark.parametrize("told", [True, False])
def test_missing_hook(site: Site, told: bool) -> None:
    """No hook serves the stage: where one belongs; once it is there it is taken by itself."""
    site.configure(PLAIN + REVIEW)
    site.footage()
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "merged")
    answer = site.why()
    check_golden(site, "missing-hook", answer)
    assert f"put an executable called review into {site.root}/hooks" in answer
    site.hook("review", "#!/bin/sh\n")
    if told:
        site.follow(answer, "when that is mended")
    assert (site.once(), site.state()) == (0, "completed")


@pytest.mark.parametrize("kind", ["directory", "link", "fifo", "hard-link"])
def test_bad_marker(site: Site, kind: str) -> None:
    """What bears a marker's name and is none: taken away, then the state is pushed."""
    marker = site.footage() / ".done"
    elsewhere = site.path("a", "elsewhere")
    elsewhere.write_text("keep me")
    match kind:
        case "directory":
            marker.mkdir()
        case "link":
            marker.symlink_to(elsewhere)
        case "fifo":
            os.mkfifo(marker)
        case _:
            marker.hardlink_to(elsewhere)
    site.once()
    answer = site.why()
    check_golden(site, "bad-marker", answer)
    site.follow(answer, "way out")
    site.follow(answer, "then, if recorded was meant")
    assert (site.once(), site.state()) == (0, "completed")
    assert elsewhere.read_text() == "keep me"


def test_foreign_owner(site: Site) -> None:
    """A directory that this user may not write: the command that mends it.

    root may write everything, so its power to override is taken away; as an ordinary user it is a
    directory without the write bit, and giving that back stands in for `sudo chown`.
    """
    is_root = os.geteuid() == 0
    recording = site.footage()
    site.path("a", ".done").touch()
    if is_root:
        site.prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]
        for path in [recording, *recording.iterdir()]:
            os.chown(path, 65534, 65534)
    else:
        recording.chmod(0o555)
    answer = site.why()
    check_golden(site, "foreign-owner", answer)
    site.once()
    assert "sudo chown" in site.ezrec("status").stdout
    site.follow(answer, "way out") if is_root else recording.chmod(0o755)
    assert (site.once(), site.state()) == (0, "completed")


def test_refused_name(site: Site) -> None:
    """A directory that can't be an id: renamed by the command."""
    site.footage("my holiday\n\x1b[31m'21")
    answer = site.why("my holiday\n\x1b[31m'21")
    check_golden(site, "refused-name", answer)
    site.follow(answer, "way out")
    site.path("my-holiday-31m-21", ".done").touch()
    assert (site.once(), site.state("my-holiday-31m-21")) == (0, "completed")


def test_blocked_by_a_survivor(site: Site) -> None:
    """Nursery and supervisor are killed while no daemon runs, and something of the run lives on: its pid."""
    site.footage(merge="sleep 300 &\necho $! > pid\nwait\n")
    with site.daemon():
        site.ezrec("push", "a", "recorded")
        wait_until(lambda: site.path("a", "pid").exists() and site.minded(), 20)
    progress = site.shot().progress
    assert progress is not None
    os.kill(progress.nursery, signal.SIGKILL)
    wait_until(lambda: not _runs(progress.nursery))
    os.kill(progress.supervisor, signal.SIGKILL)
    wait_until(lambda: not site.shot().leased and len(processes.bearing(progress.run)) == 1, 20)
    answer = site.why()
    check_golden(site, "blocked", answer)
    survivor = int(site.path("a", "pid").read_text())
    site.follow(answer, "a daemon ends what it may; what it may not")
    wait_until(lambda: not processes.start_time(survivor) or not _runs(survivor))
    site.path("a", "merge.sh").unlink()
    assert (site.once(), site.state()) == (1, "merge_failed")  # its only attempt was cut off
    site.follow(site.why(), "then")
    assert (site.once(), site.state()) == (0, "completed")


def _runs(pid: int) -> bool:
    fields = processes.stat_fields(pid)
    return bool(fields) and fields[0] not in "ZX"


def test_stale_lock(site: Site) -> None:
    """`.lock` beside `.done`, as the original left it: it is named, and locks nothing."""
    site.footage()
    site.path("a", ".done").touch()
    site.path("a", ".lock").touch()
    answer = site.why()
    check_golden(site, "stale-lock", answer)
    site.follow(answer, "to start one")
    assert (site.state(), site.path("a", ".lock").exists()) == ("completed", False)


def test_copied_journal(site: Site) -> None:
    """A copied directory has its markers; the journal that came along decides nothing."""
    site.footage(merge="exit 65\n")
    site.ezrec("push", "a", "recorded")
    site.once()
    subprocess.run(["cp", "-r", site.path("a"), site.path("b")], check=True)
    answer = site.why("b")
    check_golden(site, "copied", answer)
    site.path("b", "merge.sh").unlink()
    site.follow(answer, "then")
    assert (site.once(), site.state("b"), site.state("a")) == (0, "completed", "failed")
