"""P12: whatever is dropped, removed, killed and restarted in whatever order, the recording comes to rest."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, note, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, decide, journal, make_root, operate
from ezrec.statemachine.errors import IllegalTransition, Leased
from ezrec.statemachine.lifecycle import HOLD, LOCK
from ezrec.statemachine.reconcile import Reconciled, reconcile
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher

NAME = "match"
MARKERS = tuple(RECORDING.markers)
CODES = (0, 0, 0, 1, 65, 75, 78, 143)
OUTPUTS = {"capture": "camera_0.mp4", "merge": "merged.mp4", "upload": "receipt.json"}


class Crash(BaseException):
    """The daemon dies here, in the middle of whatever it does."""


class MortalClock(FakeClock):
    """Kills whoever looks at the wall clock for the n-th time: before a journal line, before a note."""

    def __init__(self) -> None:
        super().__init__()
        self.looks_left: int | None = None

    def wall(self) -> datetime:
        if self.looks_left is not None:
            self.looks_left -= 1
            if self.looks_left < 0:
                raise Crash
        return super().wall()


class MortalRunner(ScriptedRunner):
    """Its runs end when they are told to. `dies` kills the daemon before or after a start."""

    def __init__(self) -> None:
        super().__init__(lambda _launch: None)
        self.dies: str | None = None

    def start(self, launch: Launch, fd: int) -> None:
        if self.dies == "before":
            raise Crash
        super().start(launch, fd)
        if self.dies == "after":
            raise Crash


class DropFolder(RuleBasedStateMachine):
    """One recording, an operator who does anything to it, and a daemon that dies at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Path(tempfile.mkdtemp(prefix="ezrec-sequence-"))
        self.root, self.place = self.site / "root", self.site / "root" / NAME
        make_root(self.root)
        hooks = self.site / "hooks"
        hooks.mkdir()
        for stage in OUTPUTS:
            (hooks / stage).write_text("#!/bin/sh\n")
            (hooks / stage).chmod(0o755)
        self.hooks = hooks
        self.place.mkdir()
        self.clock, self.runner = MortalClock(), MortalRunner()
        self.footage: dict[str, bytes] = {}
        self.written = 0
        self._begin()

    def _begin(self) -> None:
        self.engine = Engine(
            self.root,
            RECORDING,
            (self.hooks,),
            settle=timedelta(0),
            clock=self.clock,
            runner=self.runner,
            watcher=ScriptedWatcher(),
            chance=lambda: 0.5,
        )
        # as its loop does, which is not running here
        self.runner.on_end = self.engine.world.minded.ended
        self.settling = Settling(0.0)
        self.clock.looks_left = None
        self.runner.dies = None

    def teardown(self) -> None:
        self.runner.close()
        self.engine.world.root.close()
        shutil.rmtree(self.site)

    def _die(self) -> None:
        """The daemon is gone, and a new one is there; supervisors and their leases live on."""
        self.engine.world.root.close()
        self._begin()

    def _reconcile(self) -> Reconciled:
        return reconcile(
            self.engine.world, NAME, self.settling, admit=lambda _recording, _stage: (True, False)
        )

    def _write_footage(self, name: str) -> None:
        self.written += 1
        self.footage[name] = f"footage {self.written}".encode()
        (self.place / name).write_bytes(self.footage[name])

    # what an operator does

    @rule(marker=st.sampled_from([*MARKERS, LOCK, HOLD]))
    def drop(self, marker: str) -> None:
        (self.place / marker).touch()

    @rule(marker=st.sampled_from([*MARKERS, LOCK, HOLD]))
    def remove(self, marker: str) -> None:
        (self.place / marker).unlink(missing_ok=True)

    @rule(old=st.sampled_from(MARKERS), new=st.sampled_from(MARKERS))
    def move(self, old: str, new: str) -> None:
        if (self.place / old).exists():
            (self.place / old).replace(self.place / new)

    @precondition(lambda self: len(self.footage) < 4)
    @rule()
    def copy_footage_in(self) -> None:
        self._write_footage(f"camera_{len(self.footage)}.mp4")

    @rule(state=st.sampled_from([state.name for state in RECORDING.states]))
    @precondition(lambda self: not self.runner.running())
    def push(self, state: str) -> None:
        operate.push(self.engine.world, NAME, state, "operator")

    @rule()
    def retry(self) -> None:
        try:
            operate.retry(self.engine.world, NAME, "operator")
        except (IllegalTransition, Leased):
            pass

    @rule()
    def stop(self) -> None:
        operate.stop(self.engine.world, NAME, "operator")

    # what hooks do

    @precondition(lambda self: self.runner.running())
    @rule(code=st.sampled_from(CODES), with_output=st.booleans())
    def end_a_run(self, code: int, with_output: bool) -> None:
        run = self.runner.running()[0]
        launch = next(each for each in self.runner.launches if each.run == run)
        stage = launch.environment["EZREC_STAGE"]
        if stage == "capture" and with_output:
            self._write_footage(f"camera_9.part-{self.written + 2}.mp4")
        outputs = {OUTPUTS[stage]: b"output"} if with_output and stage != "capture" else {}
        self.runner.finish(run, code, outputs)

    @precondition(lambda self: self.runner.running())
    @rule()
    def kill_a_supervisor(self) -> None:
        self.runner.kill(self.runner.running()[0])

    # what happens to the daemon

    @rule()
    def restart(self) -> None:
        self._die()

    @rule()
    def cut_the_power(self) -> None:
        for run in self.runner.running():
            self.runner.kill(run)
        self.clock.reboot()
        self._die()

    @rule(looks=st.integers(0, 8), start=st.sampled_from([None, "before", "after"]))
    def crash_in_the_middle(self, looks: int, start: str | None) -> None:
        """Killed before the n-th line that it would write, or around the start of a hook."""
        self.clock.looks_left, self.runner.dies = looks, start
        try:
            self._reconcile()
        except Crash:
            note("crashed")
        self._die()

    @rule(seconds=st.sampled_from([0.1, 2.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def look(self) -> None:
        self._look()

    @rule()
    def look_more_often(self) -> None:
        self._look()

    def _look(self) -> None:
        """Reconcile twice is reconcile once, and at rest there is one state marker at most."""
        first = self._reconcile()
        before, launches = self._seen(), len(self.runner.launches)
        assert _is_at_rest(first), first
        second = self._reconcile()
        assert self._seen() == before
        assert len(self.runner.launches) == launches
        assert isinstance(second.decision, _after(first.decision))
        if not self.runner.running() and not isinstance(first.decision, decide.Held):
            assert len(set(before["markers"]) - {LOCK}) <= 1

    @invariant()
    def footage_is_never_touched(self) -> None:
        assert {name: (self.place / name).read_bytes() for name in self.footage} == self.footage

    def _seen(self) -> dict[str, Any]:
        path = self.place / journal.DIRECTORY / journal.NAME
        lines = path.read_bytes() if path.exists() else b""
        return {"markers": sorted(set(os.listdir(self.place)) & {*MARKERS, LOCK}), "lines": lines}


def _after(decision: decide.Decision) -> type:
    """What is decided after this one, when nothing has happened since."""
    return decide.Watch if isinstance(decision, decide.Start) else type(decision)


def _is_at_rest(done: Reconciled) -> bool:
    """Not the answer of a reconcile that gave up going round and round."""
    return not (isinstance(done.decision, decide.Watch) and done.decision.run is None)


class Ending(DropFolder):
    """The same, and at the end everything is mended: the recording comes to rest where it should."""

    def teardown(self) -> None:
        try:
            (self.place / HOLD).unlink(missing_ok=True)
            rounds = 0
            while not self._is_done():
                rounds += 1
                assert rounds < 40, sorted(os.listdir(self.place))
            self.footage_is_never_touched()
        finally:
            super().teardown()

    def _is_done(self) -> bool:
        """One step of a machine on which all works: whether nothing is left to do."""
        done = self._reconcile()
        for run in self.runner.running():
            launch = next(each for each in self.runner.launches if each.run == run)
            stage = launch.environment["EZREC_STAGE"]
            outputs = {OUTPUTS[stage]: b"output"} if stage != "capture" else {}
            self.runner.finish(run, 0, outputs)
        if isinstance(done.decision, decide.Wait):
            self.clock.advance(done.decision.seconds + 0.1)
        if isinstance(done.decision, decide.Park):
            operate.retry(self.engine.world, NAME, "operator")
        return isinstance(done.decision, decide.Leave)


_SETTINGS = settings(
    max_examples=80,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestP12AnySequenceComesToRest = Ending.TestCase
TestP12AnySequenceComesToRest.settings = _SETTINGS
