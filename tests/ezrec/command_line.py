"""A real root, tiny shell hooks, and the real `ezrec` in a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ezrec.config import load
from ezrec.media.ffmpeg import find_ffmpeg
from ezrec.scene import scene_for
from ezrec.setup import make_station
from ezrec.statemachine import processes
from ezrec.statemachine.snapshot import Snapshot, snapshot
from ezrec.statemachine.view import Scene
from tests.waiting import wait_until

BIN = Path(sys.executable).parent
OWN_HOOKS = Path(__file__).parents[2] / "hooks"
GOLDEN = Path(__file__).parent / "golden"
#: a stage of a site's own, for its configuration
REVIEW = "  review: {after: merged, to: reviewed}\n"
#: a hook that goes on until there is a file `go`
UNTIL_GO = "while [ ! -f go ]; do sleep 0.02; done\n"
PLAIN = "settle: 0\nstages:\n  merge: {attempts: 1}\n"

_CAPTURE = """#!/bin/sh
[ ! -f capture.sh ] || . ./capture.sh
cp "$EZREC_ROOT/hooks/clip.mp4" camera_0.mp4
"""
_MERGE = """#!/bin/sh
[ ! -f merge.sh ] || . ./merge.sh
cp "$EZREC_ROOT/hooks/clip.mp4" merged.mp4.partial && mv merged.mp4.partial merged.mp4
"""
_UPLOAD = """#!/bin/sh
[ ! -f upload.sh ] || . ./upload.sh
exec {python} -I {hooks}/upload.py
"""


def make_clip(path: Path) -> Path:
    """The shortest video that a merge could have made."""
    ffmpeg = str(find_ffmpeg())
    source = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=10", "-t", "0.5", "-pix_fmt", "yuv420p"]
    command = [ffmpeg, "-nostdin", "-v", "error", *source, "-movflags", "faststart", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


@dataclass(kw_only=True)
class Site:
    """A root. `merge.sh` (and so on) in a recording is what its hook does first."""

    root: Path
    clip: Path
    variables: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        make_station(self.root)
        self.configure(PLAIN)
        self.clip_in(self.root / "hooks" / "clip.mp4")
        self.hook("capture.sh", _CAPTURE)
        self.hook("merge.sh", _MERGE)
        self.hook("upload.sh", _UPLOAD.format(python=sys.executable, hooks=OWN_HOOKS))

    def configure(self, text: str) -> None:
        (self.root / "ezrec.yaml").write_text(text)

    def clip_in(self, path: Path) -> None:
        path.write_bytes(self.clip.read_bytes())

    def hook(self, name: str, text: str) -> Path:
        path = self.root / "hooks" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def footage(self, recording: str = "a", **behaviour: str) -> Path:
        """A directory with a video in it, and with what its hooks do first."""
        path = self.root / recording
        path.mkdir(parents=True, exist_ok=True)
        self.clip_in(path / "camera_0.mp4")
        for stage, script in behaviour.items():
            (path / f"{stage}.sh").write_text(script)
        return path

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("EZREC_", "NO_COLOR"))}
        path = f"{BIN}:{os.environ['PATH']}"
        return {**kept, "PATH": path, "COLUMNS": "120", **self.variables}

    def ezrec(
        self,
        *words: str,
        rooted: bool = True,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        root = ["--root", str(self.root)] if rooted else []
        return self._run([*self.prefix, str(BIN / "ezrec"), *root, *words], cwd, variables)

    def _run(
        self, command: list[str], cwd: Path | None, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or "/",
            env={**self.environment(), **(variables or {})},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Paste a command into a shell; `sudo` is what root says, and it has to work."""
        done = self._run(["bash", "-c", f'sudo() {{ "$@"; }}; {command}'], None)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def once(self) -> int:
        """`ezrec watch --once`; its exit code."""
        return self.ezrec("watch", "--once").returncode

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[str]]:
        """`ezrec watch`, ended by TERM."""
        command = [str(BIN / "ezrec"), "--root", str(self.root), "watch"]
        process = subprocess.Popen(
            command, cwd="/", env=self.environment(), stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("watching")
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def why(self, recording: str = "a") -> str:
        done = self.ezrec("why", recording)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def follow(self, answer: str, words: str) -> None:
        """Do what the line of `answer` that begins with `words` says, literally."""
        lines = [line.strip() for line in answer.splitlines()]
        commands = [line.partition(": ")[2] for line in lines if line.startswith(f"{words}: ")]
        assert len(commands) == 1, (words, answer)
        command = commands[0]
        self.shell(f"{command} --once" if command.endswith(" watch") else command)

    def scene(self) -> Scene:
        return scene_for(load(None, {"root": str(self.root)}, {}))

    def shot(self, recording: str = "a") -> Snapshot:
        return snapshot(self.scene(), recording, whole=True)

    def state(self, recording: str = "a") -> str:
        return self.shot(recording).state

    def minded(self, recording: str = "a") -> bool:
        """Whether a hook runs in it and its supervisor has said so."""
        progress = self.shot(recording).progress
        return progress is not None and progress.hook != 0

    def wait(self, state: str, recording: str = "a") -> None:
        wait_until(lambda: self.state(recording) == state, 30)

    def running(self) -> list[int]:
        """Every process that was told of this root: hooks, and all that they started."""
        return told_of(self.root)

    def end_everything(self) -> None:
        for pid in self.running():
            processes.kill(pid)


def told_of(root: Path) -> list[int]:
    """Every process whose environment names this root."""
    wanted = f"EZREC_ROOT={root}".encode()
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in found if wanted in _environment(pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def normal(site: Site, text: str) -> str:
    """The text without what differs from run to run."""
    text = text.replace(shlex.quote(str(site.root)), "ROOT").replace(str(site.root), "ROOT")
    for pattern, name in (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "TIME"),
        (r"[0-9a-f]{32}", "RUN"),
        (r"(supervisor|hook|pid|-9) \d+", r"\1 PID"),
        (r"again in \d+ (s|min)", "again in N"),
    ):
        text = re.sub(pattern, name, text)
    return text


def check_golden(site: Site, name: str, text: str) -> None:
    """Compare with tests/ezrec/golden/<name>.txt; EZREC_GOLDEN=write makes it anew, to be read."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("EZREC_GOLDEN") == "write":
        path.write_text(normal(site, text))
    assert normal(site, text) == path.read_text()
