"""The operator's part: pushes, retries, holds and stops, by marker and by command."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.ezrec.station_fixture import FOOTAGE, Folder, content
from tests.waiting import wait_until

LIFE = ["recorded", "merged", "completed"]
#: A merge that fails while there is no video called `mended.mp4`; as one that can't be mended by a retry.
FAILS = "[ -e mended.mp4 ] || { echo 'ezrec:note the view is black'; exit 1; }\n"
REFUSES = "[ -e mended.mp4 ] || { echo 'ezrec:note the view is black'; exit 65; }\n"


def _by_mv(folder: Folder) -> None:
    (folder.root / "match" / ".completed").rename(folder.root / "match" / ".done")


def _by_touch(folder: Folder) -> None:
    (folder.root / "match" / ".done").touch()


def _by_push(folder: Folder) -> None:
    assert "completed -> recorded" in folder.ezrec("push", "match", "done").stdout


@pytest.mark.parametrize("push", [_by_mv, _by_touch, _by_push])
def test_a_completed_recording_pushed_back_is_merged_and_archived_again(
    folder: Folder, push: Callable[[Folder], None]
) -> None:
    """By `mv .completed .done`, `touch .done` or `ezrec push`: the archive holds the new object alone."""
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        first = folder.archived_run("match")
        push(folder)
        folder.wait_for_call("end", "upload", times=2)
        folder.wait_for("match", ".completed")
    assert folder.states("match") == [*LIFE, "recorded!", "merged", "completed"]
    assert folder.archived() == ["match.mp4"]
    assert folder.archived_run("match") == folder.calls("end", "merge")[1].run != first


def test_ezrec_push_works_without_a_daemon(folder: Folder) -> None:
    """The marker and the journal are written by the command; the next daemon goes on from there."""
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
    pushed = folder.ezrec("push", "match", "merged", "--reason", "the archive burnt down")
    assert "no daemon runs" in pushed.stderr
    assert folder.markers("match") == {".merged"}
    assert json.loads((folder.root / "match" / ".merged").read_text())["reason"]
    folder.ezrec("watch", "--once")
    assert folder.states("match") == [*LIFE, "merged!", "completed"]


def mergers_that(folder: Folder, prefix: str) -> None:
    """Put `prefix` before what the merge hook does."""
    hook = folder.root / "hooks" / "merge.sh"
    head, said, rest = hook.read_text().partition("say start\n")
    folder.hook("merge.sh", head + said + prefix + rest)


@pytest.mark.parametrize(("prefix", "marker"), [(FAILS, ".merge_error"), (REFUSES, ".error")])
@pytest.mark.parametrize("daemon_is_up", [True, False])
def test_an_error_marker_removed_after_mending_goes_back(
    folder: Folder, prefix: str, marker: str, daemon_is_up: bool
) -> None:
    """`rm .merge_error` (or `.error`): back to `recorded`, where it failed from, and on to the end."""
    mergers_that(folder, prefix)
    place = folder.drop("match", ".done")
    with folder.daemon():
        folder.wait_for("match", marker)
        report = json.loads((place / marker).read_text())
        if daemon_is_up:
            (place / "mended.mp4").write_bytes(FOOTAGE)
            (place / marker).unlink()
            folder.wait_for("match", ".completed")
    assert "the view is black" in report["reason"]
    assert report["what_to_do"].endswith("retry match")
    if not daemon_is_up:
        (place / "mended.mp4").write_bytes(FOOTAGE)
        (place / marker).unlink()
        folder.ezrec("watch", "--once")
    failed = {".merge_error": "merge_failed", ".error": "failed"}[marker]
    assert folder.states("match") == ["recorded", failed, *LIFE]


def test_an_upload_that_failed_for_good_goes_back_to_merged(folder: Folder) -> None:
    """`.error` of an upload: removed, it is uploaded again and not merged again."""
    mended = folder.site / "mended"
    upload = (folder.root / "hooks" / "upload.sh").read_text()
    folder.hook("upload.sh", f"[ -e {mended} ] || exit 65\n")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".error")
        folder.hook("upload.sh", upload)
        mended.touch()
        (place / ".error").unlink()
        folder.wait_for("match", ".completed")
    assert folder.states("match") == ["recorded", "merged", "failed", "merged", "completed"]
    assert len(folder.calls("start", "merge")) == 1


def test_mv_of_an_error_marker_is_a_push(folder: Folder) -> None:
    """`mv .merge_error .done`: the attempts begin anew."""
    mergers_that(folder, FAILS)
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
        (place / "mended.mp4").write_bytes(FOOTAGE)
        (place / ".merge_error").rename(place / ".done")
        folder.wait_for("match", ".completed")
    assert folder.states("match") == [
        "recorded",
        "merge_failed",
        "recorded!",
        "merged",
        "completed",
    ]


def test_ezrec_retry_of_an_error(folder: Folder) -> None:
    """The same as removing the error marker; told to the daemon at once."""
    mergers_that(folder, FAILS)
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
        assert len(folder.calls("start", "merge")) == 3
        (place / "mended.mp4").write_bytes(FOOTAGE)
        folder.ezrec("retry", "match")
        folder.wait_for("match", ".completed")


def test_a_capture_that_failed_without_footage_goes_back_to_idle(folder: Folder) -> None:
    """No camera: `.error`; the marker removed, it is idle and starts nothing by itself."""
    folder.hook("capture.sh", "exit 65\n")
    with folder.daemon():
        place = folder.drop("match", ".lock", files=[])
        folder.wait_for("match", ".error")
        (place / ".error").unlink()
        wait_until(lambda: folder.states("match") == ["recording", "failed", "idle"])
    assert folder.markers("match") == set()
    assert len(folder.calls("start", "capture")) == 1


def test_a_capture_that_failed_with_footage_goes_back_to_recorded(folder: Folder) -> None:
    """Its footage is there: removing `.error` has it merged, and no camera starts."""
    folder.hook("capture.sh", "echo footage > camera_0.mp4; exit 65\n")
    with folder.daemon():
        place = folder.drop("match", ".lock", files=[])
        folder.wait_for("match", ".error")
        (place / ".error").unlink()
        folder.wait_for("match", ".completed")
    assert folder.states("match") == ["recording", "failed", *LIFE]
    assert len(folder.calls("start", "capture")) == 1


def test_a_hold_keeps_a_drop_from_being_begun(folder: Folder) -> None:
    """`.hold` and `.done` in a drop: left alone until `rm .hold`."""
    with folder.daemon():
        place = folder.drop("match", ".done", ".hold")
        folder.drop("other", ".done")
        folder.wait_for("other", ".completed")
        row = folder.row("match")
        assert (row["held"], row["state"]) == (True, "recorded")
        assert folder.markers("match") == {".done"}
        (place / ".hold").unlink()
        folder.wait_for("match", ".completed")
    assert folder.calls("start", "merge")[0].recording == "other"


def test_a_hold_during_a_stage_holds_after_it(folder: Folder) -> None:
    """The merge is finished, the upload does not begin; `ezrec release` lets it go on."""
    folder.close_gate("merge")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        assert "held" in folder.ezrec("hold", "match", "--reason", "the referee looks at it").stdout
        folder.open_gate("merge")
        folder.wait_for("match", ".merged")
        assert "referee" in (folder.root / "match" / ".hold").read_text()
        folder.drop("other", ".done")
        folder.wait_for("other", ".completed")
        assert folder.calls("start", "upload", "match") == []
        assert "released" in folder.ezrec("release", "match").stdout
        folder.wait_for("match", ".completed")
    assert folder.states("match") == LIFE


def test_done_onto_a_running_capture_stops_it_gracefully(folder: Folder) -> None:
    """`touch .done`: TERM, the footage is kept and merged; the capture is not made again."""
    folder.close_gate("capture")
    with folder.daemon():
        place = folder.drop("match", ".lock", files=[])
        folder.wait_for_call("start", "capture")
        wait_until(lambda: "camera_0.mp4" in content(place))
        (place / ".done").touch()
        folder.wait_for("match", ".completed")
    assert [call.what for call in folder.calls(hook="capture")] == ["start", "stopped"]
    assert content(place)["camera_0.mp4"].startswith(b"footage ")
    assert folder.states("match") == ["recording", "recorded!", "merged", "completed"]


def test_ezrec_stop_of_a_capture_goes_on_with_what_there_is(folder: Folder) -> None:
    """The cameras stop, the footage is merged and archived."""
    folder.close_gate("capture")
    with folder.daemon():
        place = folder.drop("match", ".lock", files=[])
        wait_until(lambda: "camera_0.mp4" in content(place))
        assert "capture is told to stop" in folder.ezrec("stop", "match").stdout
        folder.wait_for("match", ".completed")
    assert folder.states("match") == ["recording", *LIFE]
    assert len(folder.calls("stopped", "capture")) == 1


def test_ezrec_stop_of_a_merge_holds_it(folder: Folder) -> None:
    """It is ended and held; `ezrec release` begins it anew, and no attempt was counted."""
    folder.close_gate("merge")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        assert "merge is told to stop" in folder.ezrec("stop", "match").stdout
        wait_until(lambda: folder.journal("match", "ended"))
        folder.wait_for("match", ".done")
        assert (place / ".hold").exists() and folder.row("match")["held"]
        folder.open_gate("merge")
        folder.ezrec("release", "match")
        folder.wait_for("match", ".completed")
    assert folder.calls("end", "merge")[0].run == folder.calls("start", "merge")[1].run
    assert [line["attempt"] for line in folder.journal("match", "attempt")][:2] == [1, 1]


def test_ezrec_push_to_idle_ends_a_merge(folder: Folder) -> None:
    """The hook is ended first; no marker is left, the footage is; nothing starts by itself."""
    folder.close_gate("merge")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        folder.ezrec("push", "match", "idle")
        wait_until(lambda: folder.states("match") == ["recorded", "idle!"])
        folder.wait_for("match")
        assert folder.processes() == []
        assert folder.row("match")["state"] == "idle"
    assert content(place) == {"camera_0.mp4": FOOTAGE}
    assert folder.calls("end") == []


@pytest.mark.parametrize(("state", "marker"), [("merged", ".merged"), ("failed", ".error")])
def test_a_push_during_a_merge_ends_the_merge(folder: Folder, state: str, marker: str) -> None:
    """By a dropped marker: the run is ended, its end is no failure, the push stands."""
    folder.close_gate("merge")
    folder.close_gate("upload")
    with folder.daemon():
        place = folder.drop("match", ".done", files=["camera_0.mp4", "merged.mp4"])
        folder.wait_for_call("start", "merge")
        (place / marker).touch()
        wait_until(lambda: folder.states("match") == ["recorded", f"{state}!"])
        assert folder.markers("match") - {".lock"} == {marker}
        folder.open_gate("upload")
    assert folder.calls("end", "merge") == []
    (ended,) = folder.journal("match", "ended")[:1]
    assert ended["result"] == "cancelled"


def test_ezrec_push_to_recording_records_another_take(folder: Folder) -> None:
    """Beside the footage that is there, which stays as it is."""
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        folder.ezrec("push", "match", "recording")
        folder.wait_for_call("end", "upload", times=2)
        folder.wait_for("match", ".completed")
    assert folder.states("match") == [*LIFE, "recording!", *LIFE]
    videos = content(place)
    assert set(videos) == {"camera_0.mp4", "camera_0.part-2.mp4"}
    assert videos["camera_0.mp4"] == FOOTAGE


def test_ezrec_push_to_recording_during_a_merge(folder: Folder) -> None:
    """The merge is ended, and not begun anew before the other take is recorded."""
    folder.close_gate("merge")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        folder.ezrec("push", "match", "recording")
        folder.wait_for_call("end", "capture")
        folder.open_gate("merge")
        folder.wait_for("match", ".completed")
    assert set(content(place)) == {"camera_0.mp4", "camera_0.part-2.mp4"}


@pytest.mark.parametrize("state", ["recorded", "merged", "failed", "recording", "idle"])
def test_ezrec_push_ends_a_merge(folder: Folder, state: str) -> None:
    """Whatever the state: it is reached, and the merge that ran does not go on."""
    folder.close_gate("merge")
    folder.close_gate("upload")
    folder.close_gate("capture")
    with folder.daemon():
        folder.drop("match", ".done", files=["camera_0.mp4", "merged.mp4"])
        folder.wait_for_call("start", "merge")
        first = folder.calls("start", "merge")[0].run
        folder.ezrec("push", "match", state)
        if state != "recorded":
            wait_until(lambda: folder.states("match") == ["recorded", f"{state}!"])
        else:
            folder.wait_for_call("start", "merge", times=2)
        runs = [line["run"] for line in folder.journal("match", "ended")]
        assert first in runs


def test_a_push_that_is_over_before_it_is_looked_at_is_made_once(folder: Folder) -> None:
    """The daemon carries it out and goes on to the end in no time: it is not forced a second time."""
    folder.close_gate("merge")
    with folder.daemon():
        folder.drop("match", ".done", files=["camera_0.mp4", "merged.mp4"])
        folder.wait_for_call("start", "merge")
        folder.ezrec("push", "match", "merged")
        folder.wait_for("match", ".completed")
    assert folder.states("match") == ["recorded", "merged!", "completed"]
    assert len(folder.calls("start", "upload")) == 1


def test_a_push_reaches_a_hook_that_has_stopped_its_supervisor(folder: Folder) -> None:
    """Nothing in the recording holds an operator's push up for longer than its grace."""
    folder.hook("merge", "say start; kill -STOP $PPID; sleep 600")
    with folder.daemon():
        folder.drop("match", ".done")
        wait_until(lambda: ".lock" in folder.markers("match"))
        folder.wait_for_call("start", "merge")
        (folder.root / "match" / ".error").touch()
        folder.wait_for("match", ".error", seconds=20)


def test_ezrec_stop_of_a_capture_that_waits_for_room(folder: Folder) -> None:
    """It is not recorded: stopped means stopped, also before it began."""
    folder.close_gate("capture")
    with folder.daemon():
        folder.ezrec("new", "first", "--start-now")
        folder.wait_for_call("start", "capture")
        folder.ezrec("new", "second", "--start-now")
        wait_until(lambda: folder.ezrec("status", "second").stdout.count("recording") > 0)
        assert "capture is told to stop" in folder.ezrec("stop", "second").stdout
        folder.open_gate("capture")
        folder.wait_for("first", ".completed")
        assert folder.markers("second") == set()
    assert folder.calls("start", "capture", "second") == []


def test_a_push_during_work_keeps_who_and_why(folder: Folder) -> None:
    """Journaled and in the marker, as without work."""
    folder.close_gate("merge")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        folder.ezrec("push", "match", "failed", "--reason", "we do not want it")
        folder.wait_for("match", ".error")
    assert (
        "pushed to failed by root (ezrec): we do not want it"
        in folder.ezrec("history", "match").stdout
    )
