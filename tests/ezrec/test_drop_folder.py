"""The drop folder through the real daemon: what is put, moved and removed by hand, and what becomes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ezrec.station_fixture import FOOTAGE, Folder, content
from tests.waiting import wait_until

LIFE = ["recorded", "merged", "completed"]


@pytest.mark.parametrize("name", ["match", "2026-11-23/match"])
def test_p05_a_directory_that_is_moved_in_is_completed(folder: Folder, name: str) -> None:
    """`mv` of a directory with a video and `.done`, directly below the root or below a date."""
    with folder.daemon():
        folder.drop(name, ".done")
        folder.wait_for(name, ".completed")
    assert folder.states(name) == LIFE
    assert folder.archived() == [f"{name}.mp4"]
    assert content(folder.root / name) == {"camera_0.mp4": FOOTAGE}


def test_p05_a_drop_while_the_daemon_was_down(folder: Folder) -> None:
    """It is found by the first scan."""
    folder.drop("match", ".done")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert folder.states("match") == LIFE


def test_p05_drops_while_the_daemon_is_starting(folder: Folder) -> None:
    """Drops that fall between the process's start and its first scan: none is missed, none is done twice."""
    with folder.daemon(wait=False) as daemon:
        number = 0
        while not daemon.said("watching") and number < 12:
            folder.drop(f"match-{number}", ".done")
            number += 1
            daemon.process.poll()
            time.sleep(0.02)
        for each in range(number):
            folder.wait_for(f"match-{each}", ".completed", seconds=30)
    assert number > 3
    assert len(folder.calls("start", "merge")) == len(folder.calls("start", "upload")) == number


def test_p05_a_marker_dropped_at_once_into_a_directory_just_made(folder: Folder) -> None:
    """`mkdir -p` of date and recording, the video and the marker faster than any watch can be set."""
    script = 'for n in 1 2 3 4 5; do mkdir -p $0/m$n; cp "$1" $0/m$n/camera_0.mp4; touch $0/m$n/.done; done'
    video = folder.site / "tiny.mp4"
    with folder.daemon():
        subprocess.run(["sh", "-c", script, folder.root / "2026-11-23", video], check=True)
        for number in range(1, 6):
            folder.wait_for(f"2026-11-23/m{number}", ".completed")
    assert len(folder.calls("start", "merge")) == 5


def test_a_marker_touched_in_an_idle_directory_is_acted_on(folder: Folder) -> None:
    """Footage first, without a marker: idle, nothing is written into it; `touch .done` sets it off."""
    place = folder.drop("match")
    with folder.daemon():
        assert folder.row("match")["state"] == "idle"
        assert set(os.listdir(place)) == {"camera_0.mp4"}
        (place / ".done").touch()
        folder.wait_for("match", ".completed")


@contextmanager
def copying(video: Path, pieces: int) -> Iterator[threading.Event]:
    """Write to `video` every 0.1 s, as a slow `cp` would; the event is set when it is complete."""
    done = threading.Event()

    def copy() -> None:
        with video.open("wb", buffering=0) as file:
            for _ in range(pieces):
                file.write(FOOTAGE)
                time.sleep(0.1)
        done.set()

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield done
    finally:
        thread.join()


def test_a_drop_that_is_still_being_copied_is_waited_for(folder: Folder) -> None:
    """`.done` is there from the beginning: until the files stand still no hook starts, and nothing is
    written into the directory."""
    place = folder.root / "match"
    place.mkdir()
    (place / ".done").touch()
    with folder.daemon(), copying(place / "camera_0.mp4", 12) as complete:
        while not complete.is_set():
            assert set(os.listdir(place)) <= {"camera_0.mp4", ".done"}
            assert folder.calls() == []
            complete.wait(0.02)
        folder.wait_for("match", ".completed")
    assert content(place) == {"camera_0.mp4": FOOTAGE * 12}


def test_cp_a_of_a_drop_never_meets_a_file_of_ours(folder: Folder) -> None:
    """`cp -a` fails where a directory that it copies appears at the target: `logs` must not be there."""
    source = folder.drop("match", ".done", files=[f"camera_{n}.mp4" for n in range(20)])
    (source / "logs").mkdir()
    aside = folder.site / "aside"
    source.rename(aside)
    with folder.daemon():
        subprocess.run(["cp", "-a", aside, folder.root / "match"], check=True)
        folder.wait_for("match", ".completed")


def test_a_copy_of_a_recording_is_a_recording_of_its_own(folder: Folder) -> None:
    """`cp -a` of a completed one, pushed to `.done`: its old journal is history, not its state."""
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        aside = folder.site / "aside"
        shutil.copytree(place, aside)
        (aside / ".completed").rename(aside / ".done")
        aside.rename(folder.root / "copy")
        folder.wait_for("copy", ".completed")
    assert folder.archived() == ["copy.mp4", "match.mp4"]


def test_two_markers_while_the_daemon_was_down_the_newcomer_wins(folder: Folder) -> None:
    """The journal names `.completed`; `.merged` beside it was dropped: it is uploaded again."""
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
    (folder.root / "match" / ".merged").touch()
    with folder.daemon():
        folder.wait_for_call("end", "upload", times=2)
        folder.wait_for("match", ".completed")
    assert folder.states("match") == [*LIFE, "merged!", "completed"]
    assert len(folder.calls("start", "merge")) == 1


@pytest.mark.parametrize(
    ("dropped", "kept"),
    [
        ((".done", ".merge_error", ".completed"), ".merge_error"),
        ((".merge_error", ".error"), ".error"),
        ((".error", ".merged", ".done"), ".error"),
    ],
)
def test_of_several_markers_an_error_wins(
    folder: Folder, dropped: tuple[str, ...], kept: str
) -> None:
    """No journal, several markers: errors before progress, `.error` before `.merge_error`."""
    folder.drop("match", *dropped)
    folder.ezrec("watch", "--once")
    assert folder.markers("match") == {kept}
    assert folder.calls() == []


def test_of_several_markers_without_an_error_the_least_advanced_wins(folder: Folder) -> None:
    """Work done again is cheaper than work skipped."""
    folder.drop("match", ".merged", ".done", ".completed", files=["camera_0.mp4", "merged.mp4"])
    folder.ezrec("watch", "--once")
    assert folder.markers("match") == {".completed"}
    assert folder.states("match") == LIFE
    assert len(folder.calls("start", "merge")) == 1


def test_a_lock_in_an_empty_directory_starts_a_recording(folder: Folder) -> None:
    """`mkdir x; touch x/.lock`: it is recorded, merged and archived."""
    folder.drop("match", ".lock", files=[])
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert folder.states("match") == ["recording", *LIFE]
    (capture,) = folder.calls("start", "capture")
    assert content(folder.root / "match") == {"camera_0.mp4": f"footage {capture.run}".encode()}


def test_a_stale_lock_beside_a_marker_is_removed_and_work_goes_on(folder: Folder) -> None:
    """As the original left it when it died in a merge."""
    folder.drop("match", ".lock", ".done")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert folder.states("match") == LIFE
    assert folder.calls("start", "capture") == []


def test_a_stale_lock_alone_with_footage_becomes_done(folder: Folder) -> None:
    """As the original left it when it died in a recording: no camera starts over footage."""
    folder.drop("match", ".lock")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert folder.states("match") == LIFE
    assert folder.calls("start", "capture") == []
    assert content(folder.root / "match") == {"camera_0.mp4": FOOTAGE}


def test_a_stale_lock_beside_completed_is_removed(folder: Folder) -> None:
    """Nothing is merged or uploaded again for it."""
    folder.drop("match", ".lock", ".completed")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert folder.calls() == []


def test_a_lock_dropped_on_a_completed_recording_is_removed(folder: Folder) -> None:
    """While the daemon runs, too; it starts no camera."""
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        (folder.root / "match" / ".lock").touch()
        folder.wait_for("match", ".completed")
    assert folder.calls("start", "capture") == []
    assert folder.states("match") == LIFE


def test_the_only_marker_removed_is_idle(folder: Folder) -> None:
    """A completed recording without its marker is left alone; a marker sets it off again."""
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        (folder.root / "match" / ".completed").unlink()
        wait_until(lambda: folder.states("match") == [*LIFE, "idle"])
        assert folder.row("match")["state"] == "idle"
        (folder.root / "match" / ".merged").touch()
        folder.wait_for("match", ".completed")
    assert len(folder.calls("start", "merge")) == 1
    assert len(folder.calls("start", "upload")) == 2


def test_the_marker_removed_during_work_is_put_back(folder: Folder) -> None:
    """`.done` of a running merge, `.lock` of a running capture."""
    folder.close_gate("merge")
    folder.close_gate("capture")
    with folder.daemon():
        folder.drop("merging", ".done")
        folder.drop("recording", ".lock", files=[])
        for name, stage, marker in (
            ("merging", "merge", ".done"),
            ("recording", "capture", ".lock"),
        ):
            folder.wait_for_call("start", stage)
            (folder.root / name / marker).unlink()
            wait_until(lambda n=name, m=marker: m in folder.markers(n))  # type: ignore[misc]
            folder.open_gate(stage)
            folder.wait_for(name, ".completed")
    assert len(folder.calls("start", "merge")) == 2
    assert len(folder.calls("start", "capture")) == 1
    assert folder.states("merging") == LIFE


def test_the_lock_removed_during_a_merge_changes_nothing(folder: Folder) -> None:
    """`.lock` is for people: the lease is what counts."""
    folder.close_gate("merge")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        (folder.root / "match" / ".lock").unlink()
        folder.open_gate("merge")
        folder.wait_for("match", ".completed")
    assert folder.states("match") == LIFE
    assert len(folder.calls("start", "merge")) == 1


def test_a_completed_marker_is_obeyed(folder: Folder) -> None:
    """`.completed` on what was never uploaded: taken as it is, and nothing is written into it."""
    place = folder.drop("match", ".completed")
    folder.ezrec("watch", "--once")
    assert folder.markers("match") == {".completed"}
    assert set(os.listdir(place)) == {"camera_0.mp4", ".completed"}
    assert folder.calls() == []


def test_five_broken_recordings_beside_a_good_one(folder: Folder) -> None:
    """A link as a marker, a file as `logs`, a name that is refused, a hook that refuses, a journal that
    is a FIFO: the good one is completed all the same."""
    folder.hook("merge.d/0-refuse.sh", "[ ! -e bad ] || exit 65\n")
    (folder.drop("a-link") / ".done").symlink_to("camera_0.mp4")
    (folder.drop("b-logs", ".done") / "logs").write_text("no directory")
    folder.drop("c bad name", ".done")
    (folder.drop("d-refused", ".done") / "bad").touch()
    (folder.drop("e-fifo", ".done") / "logs").mkdir()
    os.mkfifo(folder.root / "e-fifo" / "logs" / "journal")
    with folder.daemon():
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
        folder.wait_for("d-refused", ".error")
        status = folder.ezrec("status", code=None).stdout
    for name in ("a-link", "b-logs", "c bad name", "d-refused", "e-fifo", "good"):
        assert name in status
    assert folder.archived() == ["good.mp4"]


def test_a_recording_removed_during_a_merge(folder: Folder) -> None:
    """`rm -r` of what is being worked on: its place in the queue is free, the next one is completed."""
    folder.close_gate("merge")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        folder.drop("next", ".done")
        shutil.rmtree(place)
        folder.open_gate("merge")
        folder.wait_for("next", ".completed")
    assert not place.exists()


def test_a_copy_of_a_recording_that_is_being_merged(folder: Folder) -> None:
    """`cp -a` takes its `.lock` and its run's files along: both are merged, each once."""
    folder.close_gate("merge")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        subprocess.run(["cp", "-a", place, folder.root / "copy"], check=True)
        wait_until(lambda: folder.states("copy")[1:] == ["recorded"])
        folder.open_gate("merge")
        for name in ("match", "copy"):
            folder.wait_for(name, ".completed")
    assert len(folder.calls("start", "merge")) == 2
