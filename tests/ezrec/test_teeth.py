"""The lifecycle is the only judge: an edge that is taken out of it is one the engine can't make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from ezrec.lifecycle import RECORDING
from ezrec.statemachine import Engine, Lifecycle, Transition, journal, make_root
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.testing import FakeClock, ScriptedRunner, ScriptedWatcher
from tests.ezrec.station_fixture import FOOTAGE, MARKERS, content

OUTPUTS = {
    "capture": {"camera_0.mp4": FOOTAGE},
    "merge": {"merged.mp4": b"merged"},
    "upload": {"receipt.json": b"{}"},
}
LIFECYCLE = replace(
    RECORDING, stages=tuple(stage._replace(attempts=1) for stage in RECORDING.stages)
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Something happens to a directory, and `marker` is where the edge leads to by itself.

    `codes` are how the stages end that are named (None: the run does not end); `then` is done by hand
    when all is at rest.
    """

    marker: str
    dropped: tuple[str, ...] = (".done",)
    footage: bool = True
    codes: Mapping[str, int | None]
    then: Callable[[Path], object] = lambda _place: None


def _touch(marker: str) -> Callable[[Path], object]:
    return lambda place: (place / marker).touch()


def _remove(marker: str) -> Callable[[Path], object]:
    return lambda place: (place / marker).unlink()


SCENARIOS: dict[str, Scenario] = {
    "find_recorded": Scenario(marker=".done", dropped=(".done", ".lock"), codes={"merge": None}),
    "finish_merge": Scenario(marker=".merged", codes={"merge": 0, "upload": None}),
    "exhaust_merge": Scenario(marker=".merge_error", codes={"merge": 1}),
    "refuse_merge": Scenario(marker=".error", codes={"merge": 65}),
    "finish_upload": Scenario(marker=".completed", codes={"merge": 0, "upload": 0}),
    "exhaust_upload": Scenario(marker=".error", codes={"merge": 0, "upload": 1}),
    "push_recorded": Scenario(
        marker=".merge_error", codes={"merge": 1}, dropped=(".completed",), then=_touch(".done")
    ),
    "salvage": Scenario(marker=".done", dropped=(".lock",), codes={"merge": None}),
    "finish_capture": Scenario(
        marker=".done", dropped=(".lock",), footage=False, codes={"capture": 0, "merge": None}
    ),
    "refuse_capture": Scenario(
        marker=".error", dropped=(".lock",), footage=False, codes={"capture": 65}
    ),
    "mend_recorded": Scenario(
        marker=".done",
        dropped=(".done", ".merge_error"),
        codes={"merge": None},
        then=_remove(".merge_error"),
    ),
}
STARTS = {
    "start_merge": Scenario(marker="", codes={"merge": None}),
    "start_upload": Scenario(marker="", dropped=(".merged",), codes={"upload": None}),
    "start_capture": Scenario(
        marker="", dropped=(".lock",), footage=False, codes={"capture": None}
    ),
    "ask": Scenario(marker="", dropped=(".lock",), footage=False, codes={"capture": None}),
}


class Stand:
    """An engine over one directory, with a runner that ends runs as the scenario says."""

    def __init__(self, site: Path, lifecycle: Lifecycle, scenario: Scenario) -> None:
        self.root, self.scenario = site / "root", scenario
        make_root(self.root)
        self.place = self.root / "match"
        self.place.mkdir()
        if scenario.footage:
            (self.place / "camera_0.mp4").write_bytes(FOOTAGE)
        for marker in scenario.dropped:
            (self.place / marker).touch()
        self.runner = ScriptedRunner(self._end)
        self.watcher = ScriptedWatcher()
        hooks = site / "hooks"
        hooks.mkdir()
        for stage in OUTPUTS:
            (hooks / stage).write_text("#!/bin/sh\n")
            (hooks / stage).chmod(0o755)
        self.engine = Engine(
            self.root,
            lifecycle,
            (hooks,),
            settle=timedelta(0),
            clock=FakeClock(),
            runner=self.runner,
            watcher=self.watcher,
        )

    def _end(self, launch: Launch) -> tuple[int, Mapping[str, bytes]] | None:
        stage = launch.environment["EZREC_STAGE"]
        code = self.scenario.codes.get(stage)
        return None if code is None else (code, OUTPUTS[stage] if code == 0 else {})

    def play(self) -> None:
        """Until nothing changes; then by hand; then again. A run that does not end is left running."""
        self._rest()
        try:
            self.scenario.then(self.place)
        except FileNotFoundError:
            pass  # what came before was not made either
        self._rest()

    def _rest(self) -> None:
        self.engine.worker.on_tick = self._stop_when_at_rest
        self._ticks = 0
        self.engine.run()

    def _stop_when_at_rest(self) -> None:
        self._ticks += 1
        if self._ticks > 6:
            self.engine.worker.stop()
        else:
            self.watcher.change("match")

    @property
    def markers(self) -> set[str]:
        return {path.name for path in self.place.iterdir()} & (MARKERS - {".lock"})

    def journaled(self) -> list[str]:
        """The states that the journal says were arrived at."""
        path = self.place / journal.DIRECTORY / journal.NAME
        lines = journal.decode(path.read_bytes()) if path.exists() else []
        return [line["state"] for line in lines if line["kind"] in ("state", "push")]

    def started(self) -> list[str]:
        return [launch.environment["EZREC_STAGE"] for launch in self.runner.launches]


def edges(trigger: str) -> list[Transition]:
    found = [edge for edge in LIFECYCLE.transitions if edge.trigger == trigger]
    assert found, trigger
    return found


def without(trigger: str) -> Lifecycle:
    lifecycle = LIFECYCLE
    for edge in edges(trigger):
        lifecycle = lifecycle.without(edge)
    return lifecycle


@pytest.mark.parametrize("trigger", SCENARIOS)
def test_an_edge_that_is_taken_out_is_not_made(tmp_path: Path, trigger: str) -> None:
    """With the edge its marker comes to stand there; without it never does, and the footage is left."""
    scenario = SCENARIOS[trigger]
    whole = Stand(_made(tmp_path / "whole"), LIFECYCLE, scenario)
    whole.play()
    assert whole.markers == {scenario.marker}

    cut = Stand(_made(tmp_path / "cut"), without(trigger), scenario)
    before = content(cut.place)
    cut.play()
    target = edges(trigger)[0].target
    journal = (
        (cut.place / "logs" / "journal").read_bytes() if (cut.place / "logs").exists() else b""
    )
    assert f'"state":"{target}","marker"'.encode() not in journal
    assert before.items() <= content(cut.place).items()
    for stand in (whole, cut):
        stand.engine.close()
        stand.runner.close()


@pytest.mark.parametrize("trigger", STARTS)
def test_a_start_that_is_taken_out_is_not_made(tmp_path: Path, trigger: str) -> None:
    """With the edge the stage is started; without it no hook is, and nothing is changed."""
    scenario = STARTS[trigger]
    whole = Stand(_made(tmp_path / "whole"), LIFECYCLE, scenario)
    whole.play()
    assert whole.started() == list(scenario.codes)

    cut = Stand(_made(tmp_path / "cut"), without(trigger), scenario)
    before = content(cut.place)
    cut.play()
    assert cut.started() == []
    assert content(cut.place) == before
    assert cut.engine.worker.tally.troubled
    for stand in (whole, cut):
        stand.engine.close()
        stand.runner.close()


def _made(path: Path) -> Path:
    path.mkdir()
    return path
