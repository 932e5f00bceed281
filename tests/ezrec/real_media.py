"""Real files and real hooks for the media tests: nothing here stands in for our own code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av

from ezrec.media import barcode
from ezrec.media.ffmpeg import find_ffmpeg

HOOKS = Path(__file__).parents[2] / "hooks"
SMALL = {"size": [320, 240], "rate": 10, "bitrate": 400_000}


@dataclass(kw_only=True)
class Site:
    """A root with one recording in it, and the options that its hooks are given."""

    root: Path
    recording_id: str = "x"
    cameras: tuple[str, ...] = ("0", "1")
    merge: dict[str, object] = field(default_factory=dict)
    capture: dict[str, object] = field(default_factory=lambda: dict(SMALL))
    to: str = ""
    run_id: str = "0123abcd"
    requested: bool = False
    path: str = os.environ["PATH"]

    @property
    def recording(self) -> Path:
        path = self.root / self.recording_id
        path.mkdir(parents=True, exist_ok=True)
        return path

    def job(self, stage: str) -> dict[str, object]:
        """The document that the engine writes to a hook's stdin."""
        return {
            "hook": stage,
            "stage": stage,
            "state": "",
            "recording_id": self.recording_id,
            "recording_dir": str(self.recording),
            "root": str(self.root),
            "attempt": 1,
            "max_attempts": 3,
            "camera_ids": list(self.cameras),
            "run_id": self.run_id,
            "requested": self.requested,
            "options": {
                "capture": {"backend": "synthetic", **self.capture},
                "cameras": [{"id": camera} for camera in self.cameras],
                "merge": self.merge,
                "upload": {"to": self.to},
            },
        }

    def start(self, stage: str, job: Mapping[str, object] | bytes | None = None) -> Running:
        """Start the hook as a supervisor does: isolated, in a process group of its own."""
        document = self.job(stage) if job is None else job
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        process = subprocess.Popen(
            [sys.executable, "-I", str(HOOKS / f"{stage}.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.recording,
            env={**os.environ, "PATH": self.path},
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
        return Running(process=process)

    def run(self, stage: str, job: Mapping[str, object] | bytes | None = None) -> Ended:
        return self.start(stage, job).wait()

    def facts(self, name: str = "recording.json") -> dict[str, object]:
        found = json.loads((self.recording / name).read_bytes())
        assert isinstance(found, dict)
        return found

    def tell(self, **facts: object) -> None:
        (self.recording / "recording.json").write_text(json.dumps(facts))


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a hook ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def notes(self) -> list[str]:
        prefix = "ezrec:note "
        return [line[len(prefix) :] for line in self.out.splitlines() if line.startswith(prefix)]

    @property
    def percents(self) -> list[float]:
        prefix = "ezrec:progress "
        return [float(line[len(prefix) :]) for line in self.out.splitlines() if prefix in line]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A hook that runs in its own process group."""

    process: subprocess.Popen[bytes]

    def kill_group(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def children(self) -> list[int]:
        """The processes that the hook's main thread has started, in order."""
        pid = self.process.pid
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def wait(self) -> Ended:
        out, err = self.process.communicate(timeout=60)
        ended = Ended(code=self.process.returncode, out=out.decode(), err=err.decode())
        assert "Traceback" not in ended.err, ended.err
        return ended


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for the condition; fail where it does not come true in time."""
    end, pulse = time.monotonic() + seconds, threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        pulse.wait(0.02)


def ffmpeg(*argv: str) -> None:
    subprocess.run([find_ffmpeg(), "-nostdin", "-v", "error", "-y", *argv], check=True)


def colour(
    path: Path, name: str, *, size: str = "320x240", seconds: float = 1, rate: int = 10
) -> None:
    """A video of one flat colour."""
    source = f"color=c={name}:s={size}:r={rate}:d={seconds},format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-qp", "8", str(path))


def counted(
    path: Path, camera: int, *, seconds: float = 1, rate: int = 10, extra: str = ""
) -> None:
    """A video with the barcode in it, 320x240."""
    boxes = ",".join(barcode.filters(320, 240, camera))
    source = f"color=c=gray:s=320x240:r={rate}:d={seconds},format=yuv420p,{boxes}"
    options = extra.split()
    ffmpeg(
        "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", *options, str(path)
    )


def planes(path: Path) -> Iterator[tuple[av.VideoFrame, bytes, int]]:
    """(frame, its Y plane, bytes a row) of each frame."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.reformat(format="yuv420p").planes[0]
            yield frame, bytes(plane), plane.line_size


def frames_read(path: Path, x: int = 0, y: int = 0) -> list[barcode.Reading | None]:
    """What the barcode of the 320x240 view at (x, y) says in each frame."""
    return [barcode.read(luma, stride, 320, 240, x, y) for _, luma, stride in planes(path)]
