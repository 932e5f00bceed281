"""`ezrec why`: a golden answer for each state and each trouble, and each way out followed literally."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from ezrec.statemachine import processes
from ezrec.statemachine.decide import Held
from tests.ezrec.command_line import PLAIN, Site, check_golden
from tests.waiting import wait_until

UNTIL_GO = "while [ ! -f go ]; do sleep 0.02; done\n"
UNTIL_TERM = "trap 'done=1' TERM; done=; while [ -z $done ]; do sleep 0.05; done\n"
REVIEW = "  review: {after: merged, to: reviewed}\n"


def test_idle(site: Site) -> None:
    """Somebody fills the directory: the marker that ends that is named, and it works."""
    site.ezrec("new", "a")
    answer = site.why()
    check_golden(site, "idle", answer)
    site.footage()
    site.follow(answer, "when the footage is there")
    assert (site.once(), site.state()) == (0, "completed")


def test_idle_to_be_recorded(site: Site) -> None:
    """The other way: `.lock` in an empty directory has it recorded."""
    site.ezrec("new", "a")
    site.follow(site.why(), "or, to record")
    assert (site.once(), site.state()) == (0, "completed")


def test_recording_waiting(site: Site) -> None:
    """Asked to be recorded, and no daemon runs: the command that starts one."""
    site.ezrec("new", "a", "--start-now")
    answer = site.why()
    check_golden(site, "recording-waiting", answer)
    site.follow(answer, "to start one")
    assert site.state() == "completed"


def test_recording_running(site: Site) -> None:
    """The cameras record: who does it, and how to end it with the footage kept."""
    site.ezrec("new", "a")
    site.path("a", "capture.sh").write_text(UNTIL_TERM)
    site.path("a", ".lock").touch()
    site.path("a", "camera_0.mp4").unlink(missing_ok=True)
    with site.daemon():
        wait_until(site.minded, 20)
        answer = site.why()
        check_golden(site, "recording-running", answer)
        site.follow(answer, "to end capture now")
        site.wait("completed")


def test_recorded_and_no_daemon(site: Site) -> None:
    """Ready to be merged, and nobody is there to do it."""
    site.footage()
    site.ezrec("push", "a", "recorded")
    answer = site.why()
    check_golden(site, "recorded", answer)
    site.follow(answer, "to start one")
    assert site.state() == "completed"


@pytest.mark.parametrize(("stage", "state"), [("merge", "merging"), ("upload", "uploading")])
def test_work_runs(site: Site, stage: str, state: str) -> None:
    """A stage runs: stopping it holds the recording, and releasing it goes on."""
    site.footage(**{stage: UNTIL_GO})
    with site.daemon():
        site.ezrec("push", "a", "recorded")
        site.wait(state)
        wait_until(site.minded, 20)
        answer = site.why()
        check_golden(site, state, answer)
        site.follow(answer, f"to end {stage} now")
        wait_until(lambda: isinstance(site.shot().decision, Held), 20)
        site.path("a", "go").touch()
        site.follow(site.why(), "to go on")
        site.wait("completed")


def test_merged(site: Site) -> None:
    """Merged, and to be uploaded."""
    site.clip_in(site.footage() / "merged.mp4")
    site.ezrec("push", "a", "merged")
    answer = site.why()
    check_golden(site, "merged", answer)
    site.follow(answer, "to start one")
    assert site.state() == "completed"


def test_completed(site: Site) -> None:
    """Finished; its work can be done again."""
    site.footage()
    site.ezrec("push", "a", "recorded")
    assert site.once() == 0
    answer = site.why()
    check_golden(site, "completed", answer)
    site.follow(answer, "to do its work again")
    assert (site.state(), site.once(), site.state()) == ("recorded", 0, "completed")
    assert site.ezrec("history", "a").stdout.count("merge finished") == 2


def test_completed_without_a_journal(site: Site) -> None:
    """A finished directory that came without logs is finished, and the same way leads on."""
    site.footage()
    site.path("a", ".completed").touch()
    answer = site.why()
    check_golden(site, "completed-no-journal", answer)
    site.follow(answer, "to do its work again")
    assert (site.once(), site.state()) == (0, "completed")


@pytest.mark.parametrize("way", ["then", "or"])
def test_merge_failed(site: Site, way: str) -> None:
    """Out of attempts: the log's end, and both ways out once the cause is mended."""
    site.footage(merge="echo no room for the seam >&2\nexit 3\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (1, "merge_failed")
    answer = site.why()
    check_golden(site, "merge_failed", answer)
    site.path("a", "merge.sh").unlink()
    site.follow(answer, way)
    assert (site.once(), site.state()) == (0, "completed")


@pytest.mark.parametrize("way", ["then", "or"])
def test_failed(site: Site, way: str) -> None:
    """The hook says that no retry can help, and why; an operator who has mended it knows better."""
    site.footage(merge="echo ezrec:note camera_0.mp4 is no video\nexit 65\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (1, "failed")
    answer = site.why()
    check_golden(site, "failed", answer)
    site.path("a", "merge.sh").unlink()
    site.follow(answer, way)
    assert (site.once(), site.state()) == (0, "completed")


def test_the_marker_of_an_error_says_the_same(site: Site) -> None:
    """`cat .error` is the report: its command works when pasted too."""
    site.footage(merge="exit 65\n")
    site.ezrec("push", "a", "recorded")
    site.once()
    note = site.path("a", ".error").read_text()
    command = f"ezrec --root {site.root} retry a"
    assert command in note and f"ezrec --root {site.root} why a" in note
    site.path("a", "merge.sh").unlink()
    site.shell(command)
    assert (site.once(), site.state()) == (0, "completed")


def test_failed_without_a_journal(site: Site) -> None:
    """An error marker that came with the directory: retry goes to what the footage supports."""
    site.footage()
    site.path("a", ".error").touch()
    answer = site.why()
    check_golden(site, "failed-no-journal", answer)
    site.follow(answer, "then")
    assert (site.once(), site.state()) == (0, "completed")


def test_unknown(site: Site) -> None:
    """The configuration no longer declares the marker that stands there."""
    site.configure(PLAIN + REVIEW)
    site.hook("review.sh", "#!/bin/sh\n")
    site.footage(upload="exit 75\n")
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "reviewed")
    site.configure(PLAIN)
    answer = site.why()
    check_golden(site, "unknown", answer)
    site.path("a", "upload.sh").unlink()
    site.follow(answer, "or push it elsewhere")
    assert (site.once(), site.state()) == (0, "completed")


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


def test_pushed_while_the_daemon_was_down(site: Site) -> None:
    """A marker dropped beside ours: what it will become, and who has to do it."""
    site.footage()
    site.ezrec("push", "a", "recorded")
    site.ezrec("hold", "a")
    assert site.once() == 0
    site.ezrec("release", "a")
    site.clip_in(site.path("a", "merged.mp4"))
    site.path("a", ".merged").touch()
    answer = site.why()
    check_golden(site, "pushed", answer)
    site.follow(answer, "to start one")
    assert site.state() == "completed"
    assert not site.path("a", ".done").exists()


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


def test_by_config_and_by_environment(site: Site) -> None:
    """The commands name the root the way this call did, quoted; with EZREC_ROOT they are plain."""
    site.ezrec("new", "a", "--start-now")
    config = str(site.path("ezrec.yaml"))
    told = site.ezrec("--config", config, "why", "a", rooted=False).stdout
    assert f"  to start one: ezrec --config {config} watch\n" in told
    told = site.ezrec("why", "a", rooted=False, variables={"EZREC_ROOT": str(site.root)}).stdout
    assert "  to start one: ezrec watch\n" in told
    link = site.root.parent / "my recordings"
    link.symlink_to(site.root)
    told = site.ezrec("--root", "my recordings", "why", "a", rooted=False, cwd=link.parent).stdout
    assert f"  to start one: ezrec --root '{link}' watch\n" in told
