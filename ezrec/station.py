"""A station: one root, its configuration, and the engine over it. The composition root of ezrec."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ezrec import create
from ezrec.config import Config, load
from ezrec.config.secrets import with_dotenv
from ezrec.describe import Describer
from ezrec.lifecycle import lifecycle_for
from ezrec.recording import Recording
from ezrec.scene import RESERVED, hook_directories, root_of, setup_of
from ezrec.statemachine.engine import Engine
from ezrec.statemachine.lookup import find
from ezrec.statemachine.runner import Runner
from ezrec.statemachine.snapshot import snapshots
from ezrec.statemachine.tally import Tally
from ezrec.statemachine.watcher import NoWatcher, Watcher
from ezrec.statemachine.world import Changed
from ezrec.verify import verify

Transition = Changed


class Station:
    """Everything that lies below one root.

        with Station("/srv/recordings") as station:
            station.on_transition(print)
            station.start()
            station.new("match-17", seconds=60, start_now=True)

    `config` is a Config, or the path of a root (its `ezrec.yaml` and `.env` are read). Nothing works
    before `start` (a thread of this process, no signal handler) or `run` (this thread). `unsafe_fs` works by
    scanning where the file system can't keep the promises. Raises ConfigError, RootUnusable,
    LifecycleError.
    """

    def __init__(
        self,
        config: Config | Path | str,
        *,
        watcher: Watcher | None = None,
        runner: Runner | None = None,
        unsafe_fs: bool = False,
    ) -> None:
        if not isinstance(config, Config):
            config = load(None, {"root": str(config)}, os.environ)
        self.config = config
        root = root_of(config)
        self.engine = Engine(
            root,
            lifecycle_for(config),
            hook_directories(config),
            settle=config.settle,
            scan_every=config.scan_every,
            describe=Describer(config),
            verify=verify,
            secrets=with_dotenv(config, os.environ),
            setup=setup_of(config),
            reserved=RESERVED,
            runner=runner,
            watcher=watcher or (NoWatcher() if config.watch == "poll" else None),
            unsafe_fs=unsafe_fs,
        )

    def __enter__(self) -> Station:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Work in a thread. Raises RootBusy (try again later) where another process has this root."""
        self.engine.start()

    def run(self, *, once: bool = False) -> Tally:
        """Work in this thread until `stop`, or with `once` until nothing is runnable. Raises RootBusy."""
        return self.engine.run(once)

    def stop(self) -> None:
        """End the work and wait for that. What runs goes on, and is taken up by the next start."""
        self.engine.stop()

    def close(self) -> None:
        """Stop, and let go of the root. Nothing can be done with the station afterwards."""
        self.engine.close()

    def on_transition(self, callback: Callable[[Transition], None]) -> None:
        """Call `callback(transition)` at each change of state, in the station's thread: be quick."""
        self.engine.listen(callback)

    def transitions(self) -> Iterator[Transition]:
        """Changes of state as they happen; the iterator ends when the station is stopped."""
        return self.engine.changes()

    def recordings(self) -> list[Recording]:
        """Every recording that can be taken, by id."""
        shots = snapshots(self.engine.world)
        return [Recording(self.engine.world, shot.id) for shot in shots if shot.state]

    def recording(self, text: str) -> Recording:
        """The recording that an id, a unique bare name or a path means. Raises NoSuchRecording."""
        return Recording(self.engine.world, find(self.engine.world.root, text))

    def new(
        self,
        recording: str,
        *,
        start_now: bool = False,
        seconds: float | None = None,
        **fields: Any,
    ) -> Recording:
        """Make a recording, complete before it is visible. `fields` go into `recording.json`
        (`booking_id`, `user_id`, …); `seconds` is how long to record. Raises NameRefused, DataError."""
        document = _document(fields, seconds)
        create.create(self.engine.world, recording, document, start_now=start_now)
        return Recording(self.engine.world, recording)


def _document(fields: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    told = {key: value for key, value in fields.items() if value is not None}
    return {**told, "seconds": seconds} if seconds is not None else told
