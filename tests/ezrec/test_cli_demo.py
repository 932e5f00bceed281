"""`ezrec demo`: a recording through its whole life, wherever it is said, and nothing left of it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ezrec.media.ffmpeg import find_ffmpeg
from tests.ezrec.command_line import BIN, Site, told_of
from tests.waiting import wait_until

LIFE = ["recording", "merging", "uploading", "completed"]


@dataclass
class Demo:
    site: Site
    root: Path

    def command(self, *words: str) -> list[str]:
        return [str(BIN / "ezrec"), "demo", *words, str(self.root)]

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env={**self.site.environment(), **variables},
            capture_output=True,
            text=True,
            timeout=90,
        )

    def running(self) -> list[int]:
        return told_of(self.root)


@pytest.fixture
def demo(site: Site) -> Demo:
    return Demo(site, site.root.parent / "demo")


def width_of(video: str) -> str:
    """Decoded whole by ffmpeg; what it says of the picture."""
    command = [str(find_ffmpeg()), "-v", "info", "-i", video, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stderr


def test_plain_lines_elsewhere(demo: Demo) -> None:
    """No terminal: a line for each state on stderr, and the archived video's path on stdout."""
    done = demo.run("--seconds", "1")
    assert done.returncode == 0, done.stderr
    video = done.stdout.splitlines()[-1]
    assert video == str(demo.root / "archive" / "demo.mp4") and "\x1b" not in done.stderr
    places = [done.stderr.index(f" {state}\n") for state in LIFE]
    assert places == sorted(places)
    assert "Video: h264" in width_of(video)
    assert demo.running() == []


def test_one_camera_without_a_path(demo: Demo) -> None:
    """Nothing on PATH: the ffmpeg that was installed along serves."""
    done = demo.run("--seconds", "1", "--cameras", "1", PATH="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (demo.root / "demo").glob("camera_*")] == ["camera_0.mp4"]


def test_a_live_view_on_a_terminal(demo: Demo) -> None:
    """A bar that moves in place; the last line is the path, on a line of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**demo.site.environment(), "TERM": "xterm"}
        os.execve(BIN / "ezrec", demo.command("--seconds", "1"), environment)
    said = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        said += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    text = said.decode()
    assert "\r\x1b[2K" in text and " %" in text and "[#" in text
    shown = [line.rpartition("\x1b[2K")[2] for line in text.splitlines()]
    assert shown[-1] == str(demo.root / "archive" / "demo.mp4")
    assert [state for state in LIFE if any(line.endswith(f" {state}") for line in shown)] == LIFE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(demo: Demo, number: int) -> None:
    """130; the capture that it started is ended, its footage kept, and no process of it lives on."""
    process = subprocess.Popen(
        demo.command("--seconds", "300", "--cameras", "1"),
        env=demo.site.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    footage = demo.root / "demo" / "camera_0.mp4"
    wait_until(lambda: footage.exists() and footage.stat().st_size > 10_000, 30)
    assert demo.running() != []
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "") and "Traceback" not in err
    assert demo.running() == []
    assert "Video: h264" in width_of(str(footage))
    assert (demo.root / "demo" / ".done").exists()


def test_into_something(demo: Demo) -> None:
    """A directory that is not empty is left alone, an unwritable one is named: one sentence each."""
    demo.root.mkdir()
    (demo.root / "mine").write_text("mine")
    done = demo.run()
    assert (done.returncode, done.stdout) == (1, "") and "is not empty" in done.stderr
    assert [path.name for path in demo.root.iterdir()] == ["mine"]
    demo.root = demo.root / "mine"
    done = demo.run()
    assert (done.returncode, done.stdout) == (69, "") and "is a file" in done.stderr
    demo.root = Path("/proc/ezrec-demo")
    done = demo.run()
    assert (done.returncode, done.stdout) == (69, "") and "can't be made a root" in done.stderr


@pytest.mark.parametrize("words", [["--seconds", "nan"], ["--seconds", "0"], ["--cameras", "3"]])
def test_usage(demo: Demo, words: list[str]) -> None:
    """2, and nothing is made."""
    assert demo.run(*words).returncode == 2
    assert not demo.root.exists()
