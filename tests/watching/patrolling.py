"""A patrol over a real root, with a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ezrec.config import load
from ezrec.scene import scene_for
from ezrec.statemachine import files
from ezrec.statemachine.patrol import Patrol
from ezrec.statemachine.testing import FakeClock, ScriptedWatcher
from ezrec.statemachine.view import Scene
from ezrec.statemachine.watcher import InotifyWatcher, Watcher

BUDGET = 40


@contextmanager
def patrolled(root: Path, watcher_of: type[Watcher]) -> Iterator[tuple[Patrol, FakeClock]]:
    """A patrol over a root that is locked, as the daemon locks it."""
    clock = FakeClock()
    made = scene_for(load(None, {"root": str(root)}, {}))
    scene = Scene(root=made.root, lifecycle=made.lifecycle, clock=clock, hooks=made.hooks)
    watcher: Watcher = ScriptedWatcher()
    if watcher_of is InotifyWatcher:
        watcher = InotifyWatcher(scene.root, budget=BUDGET)
    patrol = Patrol(scene, watcher, 60.0)
    assert files.try_lock(scene.root.fd)
    try:
        yield patrol, clock
    finally:
        patrol.end()
        scene.root.close()
