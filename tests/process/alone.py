"""An engine without processes: its clock, its watcher and its runner are the doubles that ship with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, journal, make_root
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher

STEPS = 3000


class Alone:
    """One root. Nothing happens but in `until`, in the caller's thread, a second of `clock` at a step."""

    def __init__(self, site: Path, clock: FakeClock) -> None:
        self.root = site / "root"
        hooks = site / "hooks"
        if not self.root.exists():
            make_root(self.root)
            hooks.mkdir()
        for stage in ("capture", "merge", "upload"):
            (hooks / f"{stage}.py").write_text("# never run: the runner is scripted\n")
        self.clock = clock
        self.watcher = ScriptedWatcher()
        self.runner = ScriptedRunner()
        self.between: Callable[[], object] = lambda: None
        self.engine = Engine(
            self.root,
            RECORDING,
            (hooks,),
            settle=timedelta(seconds=5),
            clock=clock,
            watcher=self.watcher,
            runner=self.runner,
            chance=lambda: 0.5,
        )

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_told: object) -> None:
        self.engine.close()
        self.runner.close()

    def drop(self, name: str) -> Path:
        """A directory with footage and `.done`."""
        place = self.root / name
        place.mkdir()
        (place / "camera_0.mp4").write_bytes(b"footage")
        (place / ".done").touch()
        return place

    def names(self, name: str) -> set[str]:
        return set(os.listdir(self.root / name))

    def journal(self, name: str) -> list[dict[str, Any]]:
        path = self.root / name / journal.DIRECTORY / journal.NAME
        return journal.decode(path.read_bytes()) if path.exists() else []

    def until(self, condition: Callable[[], object]) -> None:
        """Let the engine work, and a second pass between its rounds, until the condition holds."""
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if condition() or steps > STEPS:
                self.engine.worker.stop()
                return
            self.clock.advance(1)
            self.between()
            for name in os.listdir(self.root):
                if not name.startswith("."):
                    self.watcher.change(name)

        self.engine.worker.on_tick = step
        self.engine.run()
        assert condition(), f"not within {STEPS} steps"
