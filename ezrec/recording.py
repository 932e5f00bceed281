"""One recording, as an integrator handles it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ezrec.statemachine import operate
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.snapshot import Snapshot, snapshot
from ezrec.statemachine.world import World

_BY = "library"


class Recording:
    """A handle on one directory; it holds nothing open. All its answers are read from the disk."""

    def __init__(self, world: World, recording: str) -> None:
        self._world = world
        self.id = recording

    def __repr__(self) -> str:
        return f"Recording({self.id!r})"

    @property
    def path(self) -> Path:
        """The directory."""
        return self._world.root.path / self.id

    @property
    def state(self) -> str:
        """The state's name; compares equal to a `State`. Raises NoSuchRecording."""
        return self.snapshot().state

    def snapshot(self) -> Snapshot:
        """Everything there is to say of it. Raises NoSuchRecording."""
        return snapshot(self._world, self.id, whole=True)

    def history(self) -> list[dict[str, Any]]:
        """The journal's lines, oldest first. Raises NoSuchRecording, OSError."""
        with self._world.root.opened(self.id) as fd:
            return Journal(fd, self._world.root.id, self._world.clock).read()

    def push(self, state: str, reason: str = "") -> str:
        """Force a state, by its name or its marker's; the state it came from.

        Work that runs is ended first, which may take its grace period. Raises StateMachineError where
        there is no such state, Leased (try again later) where the work can't be ended.
        """
        wanted = self._world.lifecycle.named(state)
        if wanted is None:
            names = ", ".join(each.name for each in self._world.lifecycle.states)
            raise StateMachineError(f"there is no state {state!r}", f"one of {names}")
        return operate.push(self._world, self.id, wanted.name, _BY, reason)

    def retry(self) -> str:
        """Begin its attempts anew; an error goes back to where it came from. The state it is in then.

        Raises IllegalTransition where there is nothing to retry, Leased (try again later) where work runs.
        """
        return operate.retry(self._world, self.id, _BY)

    def stop(self) -> str | None:
        """End the stage that runs, gracefully; its name, or None where none runs."""
        return operate.stop(self._world, self.id, _BY)

    def hold(self, reason: str = "") -> bool:
        """Have it left alone; False where it is held already."""
        return operate.hold(self._world, self.id, _BY, reason)

    def release(self) -> bool:
        """End the hold; False where there is none."""
        return operate.release(self._world, self.id)

    def wait(self, *states: str, seconds: float = 60.0) -> str:
        """Wait until it is in one of `states`, at most so many seconds; which it is. A station has to run.

        Raises TimeoutError (it may be waited for again), NoSuchRecording.
        """
        deadline = time.monotonic() + seconds
        while (state := self.state) not in states:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.id} is still {state} after {seconds} s")
            time.sleep(0.05)
        return state
