"""Every example is run as it is shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console import BIN, REPOSITORY
from tests.ezrec.real_media import colour

EXAMPLES = REPOSITORY / "examples"

#: makes the named packages impossible to import, then runs a script as __main__
WITHOUT = """
import runpy, sys

names = sys.argv[1].split(",")

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
script, sys.argv = sys.argv[2], sys.argv[2:]
runpy.run_path(script, run_name="__main__")
"""

#: runs a script as __main__, and says whether it has touched a signal handler
UNSIGNALLED = """
import runpy, signal, sys

def refuse(number, handler):
    raise SystemExit(f"a handler for signal {number} was installed")

signal.signal = refuse
script, sys.argv = sys.argv[1], sys.argv[1:]
runpy.run_path(script, run_name="__main__")
"""


def python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One run of this interpreter, where the repository is not on the path."""
    given = {key: value for key, value in os.environ.items() if not key.startswith("EZREC_")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd="/",
        env={**given, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ezrec(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command of ezrec's."""
    return python(BIN / "ezrec", *arguments, **environment)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two tiny videos."""
    place = tmp_path_factory.mktemp("videos")
    paths = place / "left.mp4", place / "right.mp4"
    colour(paths[0], "red")
    colour(paths[1], "blue")
    return paths


def drop(root: Path, name: str, videos: tuple[Path, Path]) -> Path:
    """A recording with two videos and `.done`."""
    recording = root / name
    recording.mkdir(parents=True)
    for number, video in enumerate(videos):
        shutil.copy(video, recording / f"camera_{number}.mp4")
    (recording / ".done").touch()
    return recording


def test_the_integrators_script(tmp_path: Path, videos: tuple[Path, Path]) -> None:
    """A station in a thread: told by callback and iterator, ended, no signal handler installed."""
    root = tmp_path / "station"
    assert ezrec("init", root).returncode == 0
    script = EXAMPLES / "integrate.py"
    done = python("-c", UNSIGNALLED, script, root, *videos, EZREC_SETTLE="0.2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *(f"callback: match-17 is {state}" for state in ("recorded", "merged", "completed")),
        f"match-17 ended completed: {root / 'match-17' / 'merged.mp4'}",
    ]
    assert (root / "archive" / "match-17.mp4").is_file()
    assert not (root / ".match-17").exists()


def test_the_integrators_script_says_what_is_wrong(tmp_path: Path) -> None:
    """What its caller may catch is caught: a sentence, no traceback."""
    done = python(EXAMPLES / "integrate.py", tmp_path / "nowhere")
    assert done.returncode == 1
    assert "does not exist" in done.stderr and "Traceback" not in done.stderr


def test_the_site_hook(tmp_path: Path, videos: tuple[Path, Path]) -> None:
    """`on_completed.sh` is found, told, and leaves one line for a recording, however often."""
    root = tmp_path / "station"
    assert ezrec("init", root).returncode == 0
    shutil.copy(EXAMPLES / "hooks" / "on_completed.sh", root / "hooks")
    drop(root, "2026-11-23/match-17", videos)
    for _ in range(2):
        done = ezrec("--root", root, "watch", "--once", EZREC_SETTLE="0.2", EZREC_USER_ID="ann")
        assert done.returncode == 0, done.stderr
        told = tmp_path / "completed" / "2026-11-23_match-17"
        size = (root / "2026-11-23" / "match-17" / "merged.mp4").stat().st_size
        assert told.read_text() == f"2026-11-23/match-17 for ann: {size} bytes\n"
        assert ezrec("--root", root, "push", "match-17", "merged").returncode == 0


def test_a_stage_in_yaml(tmp_path: Path, videos: tuple[Path, Path]) -> None:
    """`.reviewed` comes between `.merged` and the upload: waited for, approved, or refused for good."""
    root = tmp_path / "station"
    shutil.copytree(EXAMPLES / "reviewed", root)
    assert ezrec("init", root).returncode == 0
    approved, rejected = drop(root, "yes", videos), drop(root, "no", videos)
    (rejected / "rejected").write_text("out of focus\n")

    done = ezrec("--root", root, "watch", "--once", EZREC_SETTLE="0.2")
    assert (rejected / ".error").exists(), done.stderr
    assert "rejected: out of focus" in (rejected / ".error").read_text()
    assert (approved / ".merged").exists() and not list((root / "archive").glob("*.mp4"))
    why = ezrec("--root", root, "why", "yes").stdout
    assert f"nobody has approved it yet: touch {approved}/approved" in why

    (approved / "approved").touch()
    assert ezrec("--root", root, "retry", "yes").returncode == 0
    done = ezrec("--root", root, "watch", "--once", EZREC_SETTLE="0.2")
    assert done.returncode == 0, done.stderr
    assert (approved / ".completed").exists() and (root / "archive" / "yes.mp4").is_file()
    history = ezrec("--root", root, "history", "yes").stdout
    assert "is reviewed" in history


def test_a_lifecycle_without_video(tmp_path: Path) -> None:
    """The print queue, where no video library, no YAML and no click can be imported."""
    missing = "av,numpy,imageio_ffmpeg,click,yaml,PIL"
    done = python("-c", WITHOUT, missing, EXAMPLES / "print_queue.py", tmp_path / "queue")
    assert done.returncode == 0, done.stderr
    jammed = "print exited 1: the paper is jammed (attempt 2 of 2)"
    assert sorted(line.rstrip() for line in done.stdout.splitlines()) == [
        "letter is printed",
        "letter is queued",
        f"poster is jammed {jammed}",
        "poster is queued",
    ]
    assert "Dear reader" in (tmp_path / "queue" / "letter" / "sheets").read_text()
    assert jammed in (tmp_path / "queue" / "poster" / ".jammed").read_text()


def test_the_blocker_blocks(tmp_path: Path) -> None:
    """The check above has teeth: what is named can't be imported."""
    script = tmp_path / "script.py"
    script.write_text("import yaml\n")
    done = python("-c", WITHOUT, "yaml", script)
    assert done.returncode != 0 and "No module named 'yaml'" in done.stderr
