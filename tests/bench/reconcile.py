"""How many reconciles a second, and what part of their time `transitions` takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, Lifecycle, LifecycleMachine, make_root
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.machine import Subject
from ezrec.statemachine.reconcile import reconcile
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.settling import Settling
from ezrec.statemachine.testing import ScriptedRunner, ScriptedWatcher
from ezrec.statemachine.world import World
from tests.bench.table import Row, Table, at_most

_OUTPUTS = {"merge": {"merged.mp4": b"merged"}, "upload": {"receipt.json": b"{}"}}

_RECORDINGS = 200
_TOLD = f"""\
The engine's one code path in this process, over {_RECORDINGS} recordings on their way from `.done`
to `.completed` (three calls each, with every fsync; no hook is started), then over the same ones at
rest. The share is that of the processor's time, without the waiting for the disk."""


@dataclass(kw_only=True)
class Rate:
    """Calls of `reconcile` and the seconds (`cpu`: of this process) that they took; `machine`: seconds in
    the formal machine."""

    calls: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    machine: float = 0.0


class _TimedMachine(LifecycleMachine):
    def __init__(self, lifecycle: Lifecycle, rate: Rate) -> None:
        super().__init__(lifecycle)
        self._rate = rate

    def fire(self, subject: Subject, trigger: str, **facts: Any) -> str:
        began = time.thread_time()
        try:
            return super().fire(subject, trigger, **facts)
        finally:
            self._rate.machine += time.thread_time() - began


def table(place: Path) -> Table:
    """Calls a second, and the machine's share of the processor's time."""
    moving, resting = measure(place, _RECORDINGS)
    share = 100 * moving.machine / moving.cpu
    rows = (
        Row(what="reconciles a second, on the way", figure=f"{moving.calls / moving.seconds:.0f}"),
        Row(what="reconciles a second, at rest", figure=f"{resting.calls / resting.seconds:.0f}"),
        at_most("share of `transitions` on the way", share, 5, "{:.1f} %"),
    )
    return Table(title="Reconciles", told=_TOLD, rows=rows)


def measure(place: Path, recordings: int) -> tuple[Rate, Rate]:
    """Recordings on their way from `.done` to `.completed`, hooks left out; then the same ones at rest."""
    make_root(place)
    for number in range(recordings):
        (place / f"drop-{number}").mkdir()
        (place / f"drop-{number}" / "camera_0.mp4").write_bytes(b"footage")
        (place / f"drop-{number}" / ".done").touch()
    moving, resting = Rate(), Rate()
    with closing(_engine(place)) as engine:
        for rate in (moving, resting):
            world = replace(engine.world, machine=_TimedMachine(RECORDING, rate))
            for number in range(recordings):
                _bring_to_rest(world, f"drop-{number}", rate)
    return moving, resting


def _bring_to_rest(world: World, recording: str, rate: Rate) -> None:
    started: str | None = "at first"
    settling = Settling(0)
    began, cpu = time.perf_counter(), time.process_time()
    while started is not None:
        started = reconcile(world, recording, settling, _admit).started
        rate.calls += 1
    rate.seconds += time.perf_counter() - began
    rate.cpu += time.process_time() - cpu


def _admit(_recording: str, _stage: Stage) -> tuple[bool, bool]:
    return True, False


def _engine(place: Path) -> Engine:
    hooks = place / "hooks"
    hooks.mkdir()
    for stage in RECORDING.stages:
        (hooks / stage.name).write_text("#!/bin/sh\n")
        (hooks / stage.name).chmod(0o755)
    return Engine(
        place,
        RECORDING,
        (hooks,),
        settle=timedelta(0),
        reserved=frozenset({"hooks"}),
        runner=ScriptedRunner(_end),
        watcher=ScriptedWatcher(),
    )


def _end(launch: Launch) -> tuple[int, Mapping[str, bytes]]:
    return 0, _OUTPUTS[launch.environment["EZREC_STAGE"]]
