"""`ezrec why`: a golden answer for each state and each trouble, and each way out followed literally."""

from __future__ import annotations

import pytest

from ezrec.statemachine.decide import Held
from tests.ezrec.command_line import PLAIN, REVIEW, UNTIL_GO, Site, check_golden
from tests.waiting import wait_until

UNTIL_TERM = "trap 'done=1' TERM; done=; while [ -z $done ]; do sleep 0.05; done\n"


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
