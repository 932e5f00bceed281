"""A root in which crash states are built one after the other and given to the real engine.

The engine's clock, watcher and runner are the doubles of `ezrec.statemachine.testing`; the stages are
done in this process: `upload` by ezrec's own function, `merge` and `capture` by small ones that write as
ezrec's own do.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ezrec.config import load
from ezrec.describe import Describer
from ezrec.errors import EzrecError
from ezrec.hook import Job
from ezrec.lifecycle import RECORDING
from ezrec.media.output import partial_output, publish
from ezrec.scene import RESERVED
from ezrec.statemachine import files, journal
from ezrec.statemachine.engine import Engine
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.reconcile import Reconciled, nothing_starts, reconcile
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.scan import Found, scan
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher
from ezrec.upload import upload_recording
from ezrec.verify import verify
from tests.disk.enumerator import Crash
from tests.disk.model import bytes_of
from tests.disk.trace import Trace
from tests.ezrec.station_fixture import FOOTAGE, tiny_mp4

_KEPT = (".ezrec-root", "hooks")
_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """How a recording came to rest: its state, and what is in the root."""

    state: str
    tree: Mapping[str, str]


class Laboratory:
    """One root below `site`; it takes the id of the root that the trace was recorded in."""

    def __init__(self, site: Path, trace: Trace) -> None:
        self.root = site / "root"
        self.trace = trace
        self._rested: set[Hashable] = set()
        (self.root / "hooks").mkdir(parents=True)
        for stage in RECORDING.stages:
            (self.root / "hooks" / stage.name).write_text("#!/bin/sh\n")
            (self.root / "hooks" / stage.name).chmod(0o755)
        (self.root / ".ezrec-root").write_bytes(_root_mark(trace))
        self.runner = ScriptedRunner(self._work)
        config = load(None, {"root": str(self.root)}, {})
        engine = Engine(
            self.root,
            RECORDING,
            (self.root / "hooks",),
            describe=Describer(config),
            verify=verify,
            environment={},
            secrets={},
            reserved=RESERVED,
            runner=self.runner,
            watcher=ScriptedWatcher(),
        )
        self.world = engine.world

    def close(self) -> None:
        self.runner.close()
        self.world.root.close()
        shutil.rmtree(self.root)

    # A crash state, as it is found when the machine comes up again.

    def build(self, crash: Crash) -> None:
        """Put the state into the root. The journals name the directories that they lie in now."""
        self._clear()
        for path, content in crash.tree:
            target = self.root / path
            if content is None:
                target.mkdir()
                continue
            data = bytes_of(content, self.trace.blobs)
            if path.endswith(f"/{journal.DIRECTORY}/{journal.NAME}"):
                data = self._readdressed(data, path, crash)
            target.write_bytes(data)
            os.utime(target, ns=(content.mtime_ns, content.mtime_ns))
        self.clock = FakeClock()
        self.world = replace(self.world, clock=self.clock)

    def _clear(self) -> None:
        for path in self.root.iterdir():
            if path.name in _KEPT:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _readdressed(self, data: bytes, path: str, crash: Crash) -> bytes:
        """The lines that name this directory name it by the inode that it has here."""
        place = path.rpartition(f"/{journal.DIRECTORY}/")[0]
        old = f"{self.trace.inodes[crash.nodes[place]]}@{self.world.root.id[:8]}"
        new = f"{(self.root / place).stat().st_ino}@{self.world.root.id[:8]}"
        lines = []
        for line in data.split(b"\n"):
            records = journal.decode(line)
            if len(records) == 1 and records[0].get("dir") == old:
                line = journal.encode({**records[0], "dir": new}).rstrip(b"\n")
            lines.append(line)
        return b"\n".join(lines)

    # What the engine makes of it.

    def recordings(self) -> list[str]:
        return sorted(each.id for each in scan(self.world.root) if isinstance(each, Found))

    def rest(self, recording: str) -> Rested:
        """Let the engine tidy up, and start nothing."""
        settled = self._reconcile(recording, starts=False)
        return Rested(state=settled.state, tree=self.tree())

    def finish(self, recording: str) -> Rested:
        """Let the engine do all that there is to do, with stages that succeed."""
        for _ in range(_ROUNDS):
            settled = self._reconcile(recording, starts=True)
            if settled.started is None and settled.again is None:
                break
            self.clock.advance(1000)
        return Rested(state=settled.state, tree=self.tree())

    def is_new(self, claim: Hashable, rested: Rested) -> bool:
        """Whether nothing has come to rest like this before: the rest of its way is the same."""
        key = (claim, rested.state, frozenset(rested.tree.items()))
        new = key not in self._rested
        self._rested.add(key)
        return new

    def _reconcile(self, recording: str, starts: bool) -> Reconciled:
        admit = _everything_starts if starts else nothing_starts
        return reconcile(self.world, recording, Settling(0.0), admit)

    def tree(self) -> dict[str, str]:
        """Every file below the root with a digest of its content."""
        found: dict[str, str] = {}
        for directory, below, names in os.walk(self.root):
            below[:] = [name for name in below if name not in _KEPT]
            for name in names:
                with open(f"{directory}/{name}", "rb") as stream:  # noqa: PTH123  # quick: it is done often
                    found[f"{directory}/{name}"] = hashlib.sha256(stream.read()).hexdigest()
        return found

    # The stages, done here.

    def _work(self, launch: Launch) -> tuple[int, Mapping[str, bytes]]:
        stage = launch.environment.get("EZREC_STAGE", "")
        place = self.root / launch.environment["EZREC_RECORDING_ID"]
        if stage == "capture":
            return 0, {"camera_0.part-9.mp4": FOOTAGE}
        if stage == "merge":
            return _merge(place, launch.run), {}
        if stage == "upload":
            return _upload(place, launch.document), {}
        return 0, {}


def _everything_starts(_recording: str, _stage: Stage) -> tuple[bool, bool]:
    return True, False


def _root_mark(trace: Trace) -> bytes:
    """The content of the recorded root's `.ezrec-root`."""
    changes = trace.steps[0].changes
    (node,) = (getattr(c, "node", None) for c in changes if getattr(c, "name", "") == ".ezrec-root")
    (digest,) = (c.digest for c in changes if hasattr(c, "digest") and c.node == node)
    return trace.blobs[digest]


def _merge(place: Path, run: str) -> int:
    footage = [path for path in place.glob("camera*.mp4") if path.stat().st_size > 0]
    if not footage:
        return 65
    with files.directory(place) as dir_fd, partial_output(dir_fd, "merged.mp4") as fd:
        files.write_all(fd, tiny_mp4() + b"\0\0\0\x28free" + run.encode())
        publish(dir_fd, fd, "merged.mp4")
    return 0


def _upload(place: Path, document: str) -> int:
    before = Path.cwd()
    os.chdir(place)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            upload_recording(Job.from_json(document.encode()))
    except EzrecError as error:
        return int(error.exit_code)
    finally:
        os.chdir(before)
    return 0
