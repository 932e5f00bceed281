"""A station for tests: a real root, small hooks in `sh` that tell what they did, and the real daemon."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from ezrec.config import load
from ezrec.scene import scene_for
from ezrec.setup import make_station
from ezrec.statemachine import journal
from ezrec.statemachine.snapshot import snapshots
from ezrec.status import daemon_of, status_json
from tests.waiting import wait_until

EZREC = str(Path(sysconfig.get_path("scripts")) / "ezrec")
MARKERS = frozenset({".lock", ".done", ".merged", ".merge_error", ".completed", ".error"})
FOOTAGE = b"footage of a test, no video"

#: Each run of a hook is two lines in `calls`; while a file `gates/<stage>` stands there, it waits.
_PRELUDE = """\
#!/bin/sh
site="${EZREC_ROOT%/*}"
say() { echo "$1 $EZREC_HOOK $EZREC_RECORDING_ID $EZREC_RUN_ID" >> "$site/calls"; }
gate() { while [ -e "$site/gates/$EZREC_HOOK" ]; do sleep 0.02; done; }
say start
"""
_CAPTURE = """\
trap 'say stopped; exit 0' TERM
printf 'footage %s' "$EZREC_RUN_ID" > camera_0.mp4.partial
if [ -e camera_0.mp4 ]; then mv camera_0.mp4.partial camera_0.part-2.mp4
else mv camera_0.mp4.partial camera_0.mp4; fi
gate
say end
"""
_MERGE = """\
gate
{ cat "$site/tiny.mp4"; printf '\\0\\0\\0\\050free%s' "$EZREC_RUN_ID"; } > merged.mp4.partial
mv merged.mp4.partial merged.mp4
say end
"""
_UPLOAD = """\
gate
to="$EZREC_ROOT/archive/$EZREC_RECORDING_ID.mp4"
mkdir -p "${to%/*}"
cp merged.mp4 "$to"
size=$(stat -c %s merged.mp4) when=$(stat -c %.9Y merged.mp4 | tr -d .)
sum=$(sha256sum merged.mp4 | cut -d' ' -f1)
cat > receipt.json <<END
{"url": "file://$to", "path": "$to", "key": "$EZREC_RECORDING_ID.mp4", "size": $size,
 "sha256": "$sum", "source": {"name": "merged.mp4", "size": $size, "mtime_ns": $when}}
END
say end
"""
_CONFIG = """\
settle: 0.3 s
stages:
  capture: {backoff: 0.05 s}
  merge: {backoff: 0.05 s}
  upload: {backoff: 0.05 s}
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One line that a hook wrote: `what` is `start`, `end`, or a word of its own."""

    what: str
    hook: str
    recording: str
    run: str


@dataclass(kw_only=True)
class Folder:
    """A recordings root in `site`, and the hands that drop things into it."""

    site: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.site / "root"

    def configure(self, text: str = _CONFIG) -> None:
        """Write ezrec.yaml. The settling time is said where `text` does not."""
        wanted = text if "settle:" in text else "settle: 0.3 s\n" + text
        (self.root / "ezrec.yaml").write_text(wanted)

    def hook(self, name: str, body: str) -> Path:
        """Put a hook: `body` may use `say WORD` and `gate`. Replaces one of the same name at once."""
        path = self.root / "hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(".fresh")  # beside it: the root may be a disk of its own
        fresh.write_text(body if body.startswith("#!") else _PRELUDE + body)
        fresh.chmod(0o755)
        fresh.rename(path)
        return path

    def drop(self, name: str, *markers: str, files: Iterable[str] = ("camera_0.mp4",)) -> Path:
        """Make a directory with footage and markers aside, and `mv` it in."""
        outside = self.site / "outside"
        outside.mkdir()
        for each in files:
            (outside / each).write_bytes(FOOTAGE)
        for marker in markers:
            (outside / marker).touch()
        place = self.root / name
        place.parent.mkdir(exist_ok=True)
        outside.rename(place)
        return place

    def close_gate(self, stage: str) -> None:
        """From now on hooks of this stage wait before they do anything."""
        (self.site / "gates" / stage).touch()

    def open_gate(self, stage: str) -> None:
        (self.site / "gates" / stage).unlink()

    def markers(self, name: str) -> set[str]:
        return set(os.listdir(self.root / name)) & MARKERS

    def wait_for(self, name: str, *markers: str, seconds: float = 10) -> None:
        """Until exactly these markers stand in the recording, and no stage runs in it."""
        wait_until(lambda: self.markers(name) == set(markers), seconds)

    def wait_for_call(self, what: str, hook: str, times: int = 1) -> None:
        wait_until(lambda: len(self.calls(what, hook)) >= times)

    def calls(self, what: str = "", hook: str = "", recording: str = "") -> list[Call]:
        """What the hooks told, oldest first."""
        path = self.site / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        calls = [Call(what=w, hook=h, recording=r, run=i) for w, h, r, i in map(str.split, lines)]
        return [
            call
            for call in calls
            if what in ("", call.what)
            and hook in ("", call.hook)
            and recording in ("", call.recording)
        ]

    def journal(self, name: str, kind: str = "") -> list[dict[str, Any]]:
        """The recording's journal, or its lines of one kind."""
        path = self.root / name / journal.DIRECTORY / journal.NAME
        lines = journal.decode(path.read_bytes()) if path.exists() else []
        return [line for line in lines if kind in ("", line["kind"])]

    def states(self, name: str) -> list[str]:
        """The states that the journal has, in order; a push is told by its `!`."""
        lines = [line for line in self.journal(name) if line["kind"] in ("state", "push")]
        return [line["state"] + "!" * (line["kind"] == "push") for line in lines]

    def archived(self) -> list[str]:
        """The objects in the archive, by their path in it."""
        archive = self.root / "archive"
        return sorted(str(path.relative_to(archive)) for path in archive.rglob("*.mp4*"))

    def archived_run(self, name: str) -> str:
        """The run of `merge` that made the archived object."""
        return (self.root / "archive" / f"{name}.mp4").read_bytes()[-32:].decode()

    def ezrec(
        self, *argv: str, code: int | None = 0, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the real CLI on this root; `code` is the exit code that it has to have."""
        ended = self.ezrec_in(*argv, seconds=40, prefix=prefix)
        assert code is None or ended.returncode == code, (ended.returncode, ended.stderr)
        return ended

    def ezrec_in(
        self, *argv: str, seconds: float, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that may take so long, and end in any way but with a traceback."""
        ended = subprocess.run(
            [*prefix, EZREC, "--root", str(self.root), *argv],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self._environment({}),
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def row(self, name: str) -> dict[str, Any]:
        """What `ezrec status --json` says of one recording, asked in this process."""
        scene = scene_for(load(None, {"root": str(self.root)}, {}))
        try:
            shots = [shot for shot in snapshots(scene) if shot.id == name]
            told = status_json(scene.root, scene.lifecycle, daemon_of(scene.root), shots)
        finally:
            scene.root.close()
        (row,) = told["recordings"]
        assert isinstance(row, dict)
        return row

    def daemon(
        self,
        *argv: str,
        prefix: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Daemon:
        """Start `ezrec watch`; with `wait` until it watches."""
        log = self.site / f"daemon-{len(list(self.site.glob('daemon-*')))}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*prefix, EZREC, "--root", str(self.root), "watch", *argv],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=self._environment(environment or {}),
                cwd=self.site,
            )
        daemon = Daemon(process, log)
        if wait:
            wait_until(lambda: daemon.said(f"watching {self.root}") or process.poll() is not None)
        return daemon

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        return {**kept, "LANG": "C.UTF-8", "TZ": "UTC", **self.environment, **more}

    def end_everything(self) -> None:
        """KILL what still bears this root in its environment: hooks of a capture that went on."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def processes(self) -> list[int]:
        """Every process that was told this root: the hooks and what they started."""
        wanted = f"EZREC_ROOT={self.root}".encode()
        return [pid for pid in pids() if wanted in environment_of(pid)]


class Daemon:
    """A running `ezrec watch`. As a context it is stopped by TERM at the end, and has to end well."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=20)
        finally:
            self.process.kill()
            print(self.log)
        faults = [word for word in ("Traceback", "fault in ezrec") if word in self.log]
        assert not faults, self.log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def said(self, text: str) -> bool:
        return text in self.log

    def wait(self) -> int:
        """Until it ends by itself; its exit code."""
        return self.process.wait(timeout=30)

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        """KILL, as a crash would."""
        self.process.kill()
        self.process.wait(timeout=20)


def make_folder(site: Path) -> Folder:
    """A fresh root in `site` with the small hooks in it."""
    folder = Folder(site=site)
    make_station(folder.root)
    folder.configure()
    (site / "gates").mkdir()
    (site / "tiny.mp4").write_bytes(tiny_mp4())
    for name, body in (("capture", _CAPTURE), ("merge", _MERGE), ("upload", _UPLOAD)):
        folder.hook(f"{name}.sh", body)
    return folder


def tiny_mp4() -> bytes:
    """The least file that passes for a whole MP4: its boxes and nothing in them."""
    return b"".join(
        struct.pack(">I4s", 8 + len(body), kind) + body
        for kind, body in ((b"ftyp", b"isom\0\0\2\0isom"), (b"moov", b""), (b"mdat", b"frames"))
    )


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environment_of(pid: int) -> list[bytes]:
    """The environment that a living process began with; empty where it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def content(place: Path) -> dict[str, bytes]:
    """Every video in a recording that is no output, with its bytes."""
    videos = (path for path in place.glob("*.mp4") if path.name != "merged.mp4")
    return {path.name: path.read_bytes() for path in videos}
