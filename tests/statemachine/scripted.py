"""A root under an engine whose clock, watcher and runner are the doubles that ship with the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, make_root
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher
from ezrec.statemachine.world import Verify
from tests.waiting import wait_until

Trace = list[tuple[object, ...]]
OUTPUTS = {"merge": {"merged.mp4": b"video"}, "upload": {"receipt.json": b"{}"}}


class Site:
    """A root under an engine whose clock, watcher and runner are doubles."""

    def __init__(
        self,
        root: Path,
        codes: Mapping[str, list[int]],
        wall: datetime,
        verify: Verify = lambda _stage, _fd: "",
    ) -> None:
        make_root(root)
        hooks = root / "hooks"
        hooks.mkdir()
        for stage in ("capture", "merge", "upload"):
            (hooks / f"{stage}.py").write_text("# never run: the runner is scripted\n")
        self.root = root
        self.clock = FakeClock(wall)
        self.watcher = ScriptedWatcher()
        self.codes = {stage: list(each) for stage, each in codes.items()}
        self.runner = ScriptedRunner(self.script)
        self.engine = Engine(
            root,
            RECORDING,
            (hooks,),
            settle=timedelta(seconds=5),
            clock=self.clock,
            watcher=self.watcher,
            runner=self.runner,
            reserved=frozenset({"hooks"}),
            verify=verify,
            chance=lambda: 0.5,
        )
        self.between: Callable[[], None] = lambda: None

    def script(self, launch: Launch) -> tuple[int, Mapping[str, bytes]]:
        """Each stage ends with its next code; the outputs are there when that is 0."""
        stage = launch.environment["EZREC_STAGE"]
        waiting = self.codes.get(stage, [])
        code = waiting.pop(0) if waiting else 0
        return code, OUTPUTS.get(stage, {}) if code == 0 else {}

    def drop(self, name: str) -> Path:
        """A directory with footage and `.done`."""
        recording = self.root / name
        recording.mkdir()
        (recording / "camera_0.mp4").write_bytes(b"footage")
        (recording / ".done").touch()
        self.watcher.change(name)
        return recording

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass, a second at a step, until the condition holds."""

        def holds() -> bool:
            self.clock.advance(1)
            self.between()
            self.watcher.change("x")
            return condition()

        wait_until(holds)

    def trace(self, name: str) -> Trace:
        """The journal without what the clocks and the run ids put into it."""
        with self.engine.world.root.opened(name) as fd:
            lines = Journal(fd, self.engine.world.root.id, self.clock).read()
        keys = ("kind", "state", "stage", "attempt", "result", "to", "delay")
        return [tuple(line.get(key) for key in keys) for line in lines]


@contextmanager
def site(
    root: Path,
    codes: Mapping[str, list[int]],
    wall: datetime,
    verify: Verify = lambda _stage, _fd: "",
) -> Iterator[Site]:
    made = Site(root, codes, wall, verify)
    try:
        made.engine.start()
        wait_until(lambda: made.watcher.running)
        yield made
    finally:
        made.engine.close()


WALLS = {
    "1970": datetime(1970, 1, 1, tzinfo=UTC),
    "2038": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    "ten years back": datetime(2016, 1, 1, tzinfo=UTC),
}

#: the last line of a whole life
END = ("state", "completed", None, None, None, None, None)
