"""What outlives what: daemon, supervisors and hooks are killed, and the work is done once all the same."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ezrec.media.fragments import content_of
from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.operate import settle
from ezrec.statemachine.reconcile import reconcile
from ezrec.statemachine.settling import Settling
from ezrec.station import Station
from tests.ezrec.real_media import frames_read
from tests.ezrec.station_fixture import FOOTAGE, Folder, content
from tests.waiting import wait_until

SMALL = "capture: {size: 320x240, rate: 10, bitrate: 400 kb/s}\n"


def counts(video: Path) -> list[int]:
    """The frame numbers in a file of the synthetic cameras, one for each frame."""
    readings = frames_read(video)
    assert None not in readings
    return [reading.frame for reading in readings if reading]


def records(video: Path) -> bool:
    """Whether whole fragments are in the file already."""
    if not video.exists():
        return False
    with video.open("rb") as stream:
        return content_of(stream).frames >= 10


def real_capture(folder: Folder) -> None:
    """Take the small capture hook away: ezrec's own serves the stage."""
    (folder.root / "hooks" / "capture.sh").unlink()
    folder.configure(SMALL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_during_a_capture_loses_no_frame(folder: Folder, number: signal.Signals) -> None:
    """KILL or TERM of the daemon: the cameras go on, the new daemon takes up the hook's exit status.
    One attempt, and the frame counter of both cameras is unbroken."""
    real_capture(folder)
    folder.ezrec("new", "match", "--seconds", "3", "--start-now")
    with folder.daemon() as daemon:
        wait_until(lambda: records(folder.root / "match" / "camera_1.mp4"), 20)
        daemon.process.send_signal(number)
        daemon.process.wait(timeout=10)
    with folder.daemon():
        assert folder.row("match")["state"] == "recording"
        folder.wait_for("match", ".completed", seconds=30)
    for camera in (0, 1):
        assert counts(folder.root / "match" / f"camera_{camera}.mp4") == list(range(30))
    (attempt,) = [line for line in folder.journal("match", "attempt") if line["stage"] == "capture"]
    ended = next(line for line in folder.journal("match", "ended") if line["run"] == attempt["run"])
    assert (ended["exit"], ended["result"]) == (0, "finished")


def test_p01_a_capture_that_ended_while_no_daemon_was_there(folder: Folder) -> None:
    """Its status was written by the supervisor: the next daemon takes it up, and records nothing again."""
    folder.close_gate("capture")
    with folder.daemon() as daemon:
        place = folder.drop("match", ".lock", files=[])
        folder.wait_for_call("start", "capture")
        daemon.kill()
    folder.open_gate("capture")
    wait_until(lambda: list((place / "logs").glob(".run-" + "?" * 32)))
    folder.ezrec("watch", "--once")
    assert folder.states("match") == ["recording", "recorded", "merged", "completed"]
    assert len(folder.calls("start", "capture")) == 1
    assert list((place / "logs").glob(".run-*")) == []


@pytest.mark.parametrize("stage", ["merge", "upload"])
@pytest.mark.parametrize("while_down", [True, False])
def test_p01_a_daemon_killed_during_a_stage(folder: Folder, stage: str, while_down: bool) -> None:
    """The hook goes on: it is done once, whether it ends before the next daemon starts or after."""
    folder.close_gate(stage)
    with folder.daemon() as daemon:
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", stage)
        daemon.kill()
    if while_down:
        folder.open_gate(stage)
        wait_until(lambda: list((place / "logs").glob(".run-" + "?" * 32)))
    with folder.daemon():
        if not while_down:
            wait_until(lambda: folder.row("match")["stage"] == stage)
            folder.open_gate(stage)
        folder.wait_for("match", ".completed")
    assert [call.what for call in folder.calls(hook="merge")] == ["start", "end"]
    assert [call.what for call in folder.calls(hook="upload")] == ["start", "end"]
    assert folder.states("match") == ["recorded", "merged", "completed"]


def supervisor_of(place: Path) -> int:
    """The process that minds the run in this recording, once it has told so."""
    path = place / "logs" / ".progress"
    told: dict[str, Any] = {}

    def is_told() -> bool:
        if path.exists():
            told.update(json.loads(path.read_text().strip() or "{}"))
        return bool(told.get("hook"))

    wait_until(is_told)
    return int(told["supervisor"])


#: In its first run it leaves all kinds of processes behind; each run says whether any of them lives.
_BREEDER = """\
first=$(head -n 1 "$site/calls" | cut -d' ' -f4)
if [ "$first" = "$EZREC_RUN_ID" ]; then
    trap '' TERM
    setsid sleep 300 &
    (setsid sh -c 'sleep 300 & exec sleep 300' &)
    sh -c 'cd /; trap "" TERM HUP; sleep 300; :' &
    nohup sleep 300 > /dev/null 2>&1 &
    say bred
    wait
fi
if grep -lzx "EZREC_RUN_ID=$first" /proc/[0-9]*/environ 2> /dev/null; then say alive; fi
cp "$site/tiny.mp4" merged.mp4
say end
"""


def _kill_supervisor(folder: Folder, daemon_pid: int) -> None:
    os.kill(supervisor_of(folder.root / "match"), signal.SIGKILL)


def _kill_both(folder: Folder, daemon_pid: int) -> None:
    os.kill(daemon_pid, signal.SIGKILL)
    _kill_supervisor(folder, daemon_pid)


@pytest.mark.parametrize("kill", [_kill_supervisor, _kill_both])
def test_p01_a_supervisor_that_is_killed_leaves_nothing_behind(
    folder: Folder, kill: Callable[[Folder, int], None]
) -> None:
    """Its hook and all that it started, in other sessions too, are gone before the next attempt begins."""
    folder.hook("merge.sh", _BREEDER)
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        folder.wait_for_call("bred", "merge")
        wait_until(lambda: len(folder.processes()) >= 7)
        kill(folder, daemon.process.pid)
        if kill is _kill_both:
            daemon.wait()
        else:
            folder.wait_for("match", ".completed")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert [call.what for call in folder.calls(hook="merge")] == ["start", "bred", "start", "end"]
    assert [line["attempt"] for line in folder.journal("match", "attempt")] == [1, 2, 1]


def test_a_hook_that_ends_leaves_nothing_behind(folder: Folder) -> None:
    """What it put into other sessions is ended with it, before its output is taken."""
    body = 'setsid sleep 300 & (setsid sh -c "sleep 300 & sleep 300" &) ; cp "$site/tiny.mp4" merged.mp4\n'
    folder.hook("merge.sh", body)
    folder.close_gate("upload")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for_call("start", "upload")
        merge = folder.calls("start", "merge")[0].run
        assert [pid for pid in folder.processes() if _bears(pid, merge)] == []
        folder.open_gate("upload")
        folder.wait_for("match", ".completed")


def _bears(pid: int, run: str) -> bool:
    try:
        return f"EZREC_RUN_ID={run}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def test_a_capture_whose_supervisor_is_killed_keeps_its_footage(folder: Folder) -> None:
    """What there is, is merged; no camera starts over it."""
    folder.close_gate("capture")
    with folder.daemon():
        place = folder.drop("match", ".lock", files=[])
        wait_until(lambda: "camera_0.mp4" in content(place))
        before = content(place)
        os.kill(supervisor_of(place), signal.SIGKILL)
        folder.wait_for("match", ".completed")
    assert content(place) == before
    assert len(folder.calls("start", "capture")) == 1
    assert folder.states("match") == ["recording", "recorded", "merged", "completed"]


def test_the_nursery_killed_is_replaced(folder: Folder) -> None:
    """The process that starts supervisors dies: those that are there live on, others are started."""
    folder.close_gate("merge")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        pid = daemon.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = Path(f"/proc/{pid}/task").iterdir()
        found = {int(c) for t in threads for c in (t / "children").read_text().split()}
        (nursery,) = found | {int(c) for c in children}
        os.kill(nursery, signal.SIGKILL)
        folder.drop("other", ".lock", files=[])
        folder.wait_for_call("end", "capture")
        folder.open_gate("merge")
        for name in ("match", "other"):
            folder.wait_for(name, ".completed")
    assert [call.what for call in folder.calls(hook="merge", recording="match")] == ["start", "end"]


def test_p01_a_daemon_killed_again_and_again(folder: Folder) -> None:
    """Killed whenever a hook has ended: each recording is done, each stage once."""
    names = [f"match-{number}" for number in range(4)]
    for name in names:
        folder.drop(name, ".done")
    for ends in range(1, 8, 2):
        with folder.daemon() as daemon:
            wait_until(lambda least=ends: len(folder.calls("end")) >= least)  # type: ignore[misc]
            daemon.kill()
    with folder.daemon():
        for name in names:
            folder.wait_for(name, ".completed")
    for name in names:
        assert content(folder.root / name) == {"camera_0.mp4": FOOTAGE}
        assert len(folder.calls("start", "merge", name)) == 1
        assert len(folder.calls("start", "upload", name)) == 1


def test_nothing_starts_in_a_root_that_is_gone(folder: Folder) -> None:
    """What is open can still be written; another root, or none, may stand at its path."""
    folder.drop("match", ".done")
    with Station(folder.root) as station:
        world = station.engine.world
        folder.root.rename(folder.site / "elsewhere")
        with pytest.raises(RootUnusable, match="is gone"):
            reconcile(world, "match", Settling(0.0), lambda _recording, _stage: (True, False))
        (folder.site / "elsewhere").rename(folder.root)
        assert folder.journal("match", "attempt") == []


def test_an_error_is_lifted_whatever_decision_the_journal_ends_in(folder: Folder) -> None:
    """Lines are lost: what is left says that it failed, and of a decision that never follows upon that."""
    place = folder.drop("match")
    with Station(folder.root) as station:
        world = station.engine.world
        with world.root.opened("match") as fd:
            journal = Journal(fd, world.root.id, world.clock)
            journal.append("state", durable=True, state="failed", marker=".error")
            journal.append("ended", durable=True, to="recorded")
        settle(world, "match")
    assert folder.states("match")[-1] == "recorded"
    assert (place / ".done").exists()
