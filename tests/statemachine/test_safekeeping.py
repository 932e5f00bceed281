"""What a run has left is brought to the disk before anybody claims anything of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: audit hooks stay for the life of a process: each case is a process of its own
_RUN = """
import errno, json, os, sys
from ezrec.statemachine import calls, files
from ezrec.statemachine.safekeeping import Safekeeping
place, broken = sys.argv[1:3]
synced = []
def hook(event, arguments):
    if event == calls.EVENT and arguments[0] == "sync":
        name = os.path.basename(os.readlink(f"/proc/self/fd/{arguments[1]}"))
        synced.append(name)
        if name == broken:
            raise OSError(errno.EIO, "broken")
sys.addaudithook(hook)
fd = files.open_directory(place)
kept = Safekeeping(fd)
with open(place + "/merged.mp4", "w") as file:
    file.write("made by the run")
print(json.dumps([*kept.keep(), sorted(synced)]))
"""


def keep(place: Path, broken: str) -> tuple[str, list[str], list[str]]:
    """(problem, notes, what was synced) of a run that makes merged.mp4 beside a camera's footage."""
    (place / "camera_0.mp4").write_text("footage")
    (place / ".done").touch()
    command = [sys.executable, "-c", _RUN, str(place), broken]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    problem, notes, synced = json.loads(done.stdout)
    return problem, notes, synced


def test_every_file_and_the_directory_are_synced(tmp_path: Path) -> None:
    """Those of the run, and those that were dropped; markers have been seen to already."""
    synced = ["camera_0.mp4", "merged.mp4", tmp_path.name]
    assert keep(tmp_path, "") == ("", [], sorted(synced))


def test_p04_what_the_run_made_is_made_over(tmp_path: Path) -> None:
    """The fsync of its output fails: the run was not good."""
    problem, notes, _ = keep(tmp_path, "merged.mp4")
    assert (problem, notes) == ("merged.mp4 can't be brought to the disk: broken", [])


def test_p04_what_was_there_before_is_told_of(tmp_path: Path) -> None:
    """The fsync of dropped footage fails: the run is as good as it was, and a note says what to do."""
    problem, notes, _ = keep(tmp_path, "camera_0.mp4")
    told = "camera_0.mp4 can't be brought to the disk: broken; copy it here once more"
    assert (problem, notes) == ("", [told])


def test_p04_a_directory_that_fails_is_no_success(tmp_path: Path) -> None:
    """Nobody knows whether the names are there."""
    problem, _, _ = keep(tmp_path, tmp_path.name)
    assert problem == "the recording can't be brought to the disk: broken"
