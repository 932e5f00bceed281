"""What the end of a run means, and how the endings of many runs add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.lifecycle import CAPTURE, MERGE, RECORDING, UPLOAD
from ezrec.statemachine.backoff import CAP
from ezrec.statemachine.history import MAX_INTERRUPTIONS, History, Run, history_of
from ezrec.statemachine.judge import Ending, Outcome, judge
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.machine import LifecycleMachine, Subject
from ezrec.statemachine.runs import RunResult


def ending(
    stage: Stage = MERGE,
    *,
    exit: int | None = None,
    signal: int | None = None,
    ended_by: str = "itself",
    notes: tuple[str, ...] = (),
    result: bool = True,
    payload: bool = True,
    problem: str = "",
    unreadable: bool = False,
    same_boot: bool = True,
    cancelled: str | None = None,
    chance: float = 0.5,
    world_fault: str = "",
) -> Ending:
    """An ending of a run of `stage`."""
    run = Run(
        id="r", stage=stage.name, state=stage.source, attempt=1, boot="b", cancelled=cancelled
    )
    told = RunResult(
        run="r",
        exit=exit,
        signal=signal,
        ended_by=ended_by,
        command=f"/hooks/{stage.name}",
        notes=notes,
    )
    return Ending(
        run=run,
        result=told if result else None,
        payload=payload,
        outputs_problem=problem,
        outputs_unreadable=unreadable,
        same_boot=same_boot,
        chance=chance,
        world_fault=world_fault,
    )


FIRST = History(known="recorded", attempts=1)
LAST = History(known="recorded", attempts=3)
TIRED = History(known="recorded", attempts=1, interruptions=MAX_INTERRUPTIONS)
KILLED = {"result": False}
TOLD = {"signal": 15, "ended_by": "signal"}

#: what happened, the history, -> result, to, whether there is a delay, words of the reason
MERGES: list[tuple[str, dict[str, Any], History, str, str | None, bool, str]] = [
    ("exit 0", {"exit": 0}, FIRST, "finished", "merged", False, ""),
    ("exit 0, no output", {"exit": 0, "problem": "no merged.mp4"}, FIRST, "failed", None, True, "no "),
    ("no output, last", {"exit": 0, "problem": "none"}, LAST, "failed", "merge_failed", False, "3 of 3"),
    ("an output that the disk does not give back", {"exit": 0, "problem": "EIO", "unreadable": True}, LAST,
     "postponed", None, True, "EIO; it is made anew"),
    ("exit 1", {"exit": 1}, FIRST, "failed", None, True, "merge exited 1"),
    ("exit 1, last", {"exit": 1}, LAST, "failed", "merge_failed", False, "exited 1 (attempt 3 of 3)"),
    ("exit 1, says why", {"exit": 1, "notes": ("a", "disk")}, FIRST, "failed", None, True, "disk"),
    ("exit 65", {"exit": 65}, FIRST, "refused", "failed", False, "bad for good"),
    ("exit 65, says why", {"exit": 65, "notes": ("none",)}, FIRST, "refused", "failed", False, "none"),
    ("exit 75", {"exit": 75}, FIRST, "postponed", None, True, "not now"),
    ("exit 75, last", {"exit": 75}, LAST, "postponed", None, True, "not now"),
    ("exit 78", {"exit": 78}, FIRST, "parked", None, False, "exit 78"),
    ("exit 126", {"exit": 126}, FIRST, "parked", None, False, "exit 126"),
    ("exit 127", {"exit": 127}, LAST, "parked", None, False, "exit 127"),
    ("a signal", {"signal": 11}, FIRST, "failed", None, True, "merge was killed by SIGSEGV"),
    ("a signal of no name", {"signal": 63}, FIRST, "failed", None, True, "killed by signal 63"),
    ("a signal, last", {"signal": 9}, LAST, "failed", "merge_failed", False, "SIGKILL"),
    ("limit", {"signal": 9, "ended_by": "limit"}, FIRST, "failed", None, True, "over its time limit"),
    ("limit, then 0", {"exit": 0, "ended_by": "limit"}, FIRST, "failed", None, True, "over its time limit"),
    ("limit, then 75", {"exit": 75, "ended_by": "limit"}, LAST, "failed", "merge_failed", False, "limit"),
    ("told from outside", TOLD, FIRST, "interrupted", None, False, "told to stop"),
    ("told, ended well", {"exit": 0, "ended_by": "signal"}, FIRST, "finished", "merged", False, ""),
    ("told, exit 1", {"exit": 1, "ended_by": "signal"}, LAST, "interrupted", None, False, "told"),
    ("told, 21st", TOLD, TIRED, "failed", "merge_failed", False, "20 times"),
    ("killed", KILLED, FIRST, "failed", None, True, "supervisor was killed"),
    ("killed, last", KILLED, LAST, "failed", "merge_failed", False, "supervisor was killed"),
    ("no end written", {**KILLED, "world_fault": "full"}, LAST, "postponed", None, True, "down: full"),
    ("reboot", {**KILLED, "same_boot": False}, FIRST, "interrupted", None, False, "restart"),
    ("reboot, last", {**KILLED, "same_boot": False}, LAST, "interrupted", None, False, "restart"),
    ("reboot, 21st", {**KILLED, "same_boot": False}, TIRED, "failed", "merge_failed", False, "20 times"),
    ("pushed", {"signal": 15, "cancelled": "push"}, LAST, "cancelled", None, False, "a push"),
    ("pushed, ended well", {"exit": 0, "cancelled": "push"}, FIRST, "cancelled", None, False, "a push"),
    ("pushed, supervisor dead", {**KILLED, "cancelled": "push"}, LAST, "cancelled", None, False, "push"),
    ("pushed to idle", {"exit": 0, "cancelled": "push:idle"}, FIRST, "cancelled", "idle", False, "idle"),
    ("stopped", {"signal": 15, "cancelled": "stop"}, LAST, "cancelled", None, False, "by hand"),
    ("stopped, ended well", {"exit": 0, "cancelled": "stop"}, FIRST, "finished", "merged", False, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "history", "result", "to", "delayed", "words"),
    [pytest.param(*row[1:], id=row[0]) for row in MERGES],
)
def test_the_end_of_a_merge(
    told: dict[str, Any], history: History, result: str, to: str | None, delayed: bool, words: str
) -> None:
    """Exit codes, signals, limits, deaths, reboots, pushes and stops, each to its outcome."""
    outcome = judge(RECORDING, MERGE, history, ending(**told))
    assert (outcome.result, outcome.to, outcome.delay > 0) == (result, to, delayed)
    assert words in outcome.reason
    assert bool(outcome.reason) is (result != "finished")


CAPTURES: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("exit 0", {"exit": 0}, "finished", "recorded"),
    ("stopped", {"exit": 0, "cancelled": "stop"}, "finished", "recorded"),
    ("stopped badly", {"signal": 9, "cancelled": "stop"}, "salvaged", "recorded"),
    ("crashed", {"signal": 11}, "salvaged", "recorded"),
    ("exit 1", {"exit": 1}, "salvaged", "recorded"),
    ("exit 75", {"exit": 75}, "salvaged", "recorded"),
    ("exit 78", {"exit": 78}, "salvaged", "recorded"),
    ("limit", {"exit": 0, "ended_by": "limit"}, "salvaged", "recorded"),
    ("reboot", {"result": False, "same_boot": False}, "salvaged", "recorded"),
    ("killed", {"result": False}, "salvaged", "recorded"),
    ("told from outside", {"signal": 15, "ended_by": "signal"}, "salvaged", "recorded"),
    ("refused", {"exit": 65}, "refused", "failed"),
    ("pushed", {"exit": 0, "cancelled": "push"}, "cancelled", None),
    ("pushed to idle", {"exit": 0, "cancelled": "push:idle"}, "cancelled", "idle"),
]


@pytest.mark.parametrize(
    ("told", "result", "to"), [pytest.param(*row[1:], id=row[0]) for row in CAPTURES]
)
def test_the_end_of_a_capture_with_footage(
    told: dict[str, Any], result: str, to: str | None
) -> None:
    """Footage is kept and goes on to be merged, unless the hook refuses it or an operator pushes."""
    for attempts in (1, 3):
        history = History(known="recording", attempts=attempts)
        outcome = judge(RECORDING, CAPTURE, history, ending(CAPTURE, **told))
        assert (outcome.result, outcome.to) == (result, to)
    if result == "salvaged":
        assert "is kept" in outcome.reason


@pytest.mark.parametrize(
    ("told", "attempts", "result", "to"),
    [
        ({"exit": 1}, 1, "failed", None),
        ({"exit": 1}, 3, "failed", "failed"),
        ({"result": False, "same_boot": False}, 1, "interrupted", None),
        ({"exit": 78}, 1, "parked", None),
        ({"exit": 1, "cancelled": "stop"}, 1, "cancelled", "idle"),
        ({"result": False, "cancelled": "stop"}, 3, "cancelled", "idle"),
    ],
)
def test_a_capture_without_footage_is_a_stage_like_any(
    told: dict[str, Any], attempts: int, result: str, to: str | None
) -> None:
    """Nothing to keep: it is tried again, and fails in the end; but not where an operator stopped it."""
    history = History(known="recording", attempts=attempts)
    outcome = judge(RECORDING, CAPTURE, history, ending(CAPTURE, payload=False, **told))
    assert (outcome.result, outcome.to) == (result, to)


ENDINGS = st.builds(
    ending,
    stage=st.just(MERGE),
    exit=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(0, 80),
    ended_by=st.sampled_from(["itself", "limit", "signal"]),
    notes=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    result=st.booleans(),
    payload=st.booleans(),
    problem=st.sampled_from(["", "no output"]),
    same_boot=st.booleans(),
    cancelled=st.sampled_from([None, "push", "stop", "push:idle", "push:merged"]),
    chance=st.floats(0, 1, exclude_max=True),
)


@given(ENDINGS, st.sampled_from(RECORDING.stages), st.integers(0, 9), st.integers(0, 25))
def test_every_outcome_is_legal_and_said(
    told: Ending, stage: Stage, attempts: int, interruptions: int
) -> None:
    """Total; its trigger leads where it says from the stage's working state; success needs no words."""
    told = replace(told, run=told.run._replace(stage=stage.name, state=stage.source))
    history = History(known=stage.source, attempts=attempts, interruptions=interruptions)
    outcome = judge(RECORDING, stage, history, told)
    facts = {"outputs_stand": True, "attempts_used_up": True}
    arrived = LifecycleMachine(RECORDING).fire(Subject(stage.working), outcome.trigger, **facts)
    assert arrived == (outcome.to or stage.source)
    assert 0 <= outcome.delay <= 1.25 * CAP.total_seconds()
    assert judge(RECORDING, stage, history, told) == outcome
    if outcome.to == stage.ok and outcome.result != "salvaged":
        assert told.result is not None and told.result.exit == 0 and not told.outputs_problem


# many runs, one after the other ------------------------------------------------------------------


def lived(
    stage: Stage, what_happens: Callable[[int], dict[str, Any]], most: int = 100
) -> Iterator[tuple[Outcome, History]]:
    """Attempt after attempt, judged and journaled, until it leads to another state."""
    lines: list[dict[str, Any]] = [{"kind": "state", "state": stage.source}]
    for number in range(most):
        lines.append(
            {"kind": "attempt", "run": f"r{number}", "stage": stage.name, "state": stage.source}
        )
        told = ending(stage, payload=False, **what_happens(number))
        outcome = judge(RECORDING, stage, history_of(lines), told)
        lines.append(
            {
                "kind": "ended",
                "run": f"r{number}",
                "stage": stage.name,
                "result": outcome.result,
                "to": outcome.to,
                "reason": outcome.reason,
                "delay": outcome.delay,
                "up": 0.0,
                "boot": "b",
            }
        )
        yield outcome, history_of(lines)
        if outcome.to is not None:
            return


@pytest.mark.parametrize("stage", RECORDING.stages, ids=lambda stage: stage.name)
@pytest.mark.parametrize(
    "end", [{"exit": 1}, {"signal": 9}, KILLED, {"exit": 0, "problem": "none"}], ids=str
)
def test_p10_a_poisoned_recording_stops_after_its_attempts(
    stage: Stage, end: dict[str, Any]
) -> None:
    """Also if each attempt kills its supervisor: exactly the attempts allowed are made."""
    story = list(lived(stage, lambda _: end))
    assert len(story) == stage.attempts
    assert story[-1][0].to == stage.exhausted
    assert [outcome.to for outcome, _ in story[:-1]] == [None] * (len(story) - 1)


@pytest.mark.parametrize("end", [{"result": False, "same_boot": False}, TOLD], ids=str)
def test_p10_twenty_interruptions_are_no_attempts(end: dict[str, Any]) -> None:
    """A reboot is not the hook's fault, 20 times; the 21st ends it."""
    story = list(lived(MERGE, lambda _: end))
    assert len(story) == MAX_INTERRUPTIONS + 1
    assert [history.attempts for _, history in story[:-1]] == [0] * MAX_INTERRUPTIONS
    assert story[-1][0].to == "merge_failed"


def test_p10_interruptions_between_attempts_cost_none() -> None:
    """Reboots in between change nothing about how many real attempts are made."""
    ends: list[dict[str, Any]] = [{"result": False, "same_boot": False}, {"exit": 1}] * 3
    story = list(lived(MERGE, lambda number: dict(ends[number])))
    assert [outcome.result for outcome, _ in story] == ["interrupted", "failed"] * 3
    assert story[-1][0].to == "merge_failed"


def test_the_world_away_is_tried_for_ever() -> None:
    """Exit 75 is never counted; the wait doubles up to its cap, and starts anew after another end."""
    story = list(lived(UPLOAD, lambda _: {"exit": 75}))
    assert len(story) == 100
    assert all(history.attempts == 0 for _, history in story)
    delays = [outcome.delay for outcome, _ in story]
    assert delays[:4] == [5.0, 10.0, 20.0, 40.0]
    assert delays[-1] == CAP.total_seconds()
    pauses = [history.pause.result for _, history in story if history.pause]
    assert pauses == ["postponed"] * 100


def test_parking_costs_no_attempt() -> None:
    """A wrong set-up is parked each time it is tried, and never given up."""
    story = list(lived(MERGE, lambda _: {"exit": 127}))
    assert [outcome.result for outcome, _ in story] == ["parked"] * 100
    assert story[-1][1].attempts == 0


def test_failures_wait_longer_each_time() -> None:
    """Backoff doubles from the stage's own first wait."""
    story = list(lived(UPLOAD, lambda _: {"exit": 1}))
    assert [outcome.delay for outcome, _ in story] == [5.0, 10.0, 20.0, 40.0, 0.0]


@given(st.lists(st.sampled_from(["exit", "reboot", "75", "78", "told"]), max_size=60))
def test_p10_attempts_used_are_attempts_allowed(ends: list[str]) -> None:
    """Whatever comes in between, never more real failures than attempts, never less before the end."""
    happens: dict[str, dict[str, Any]] = {
        "exit": {"exit": 1},
        "reboot": {"result": False, "same_boot": False},
        "75": {"exit": 75},
        "78": {"exit": 78},
        "told": TOLD,
    }
    story = list(lived(MERGE, lambda number: happens[ends[number]], most=len(ends)))
    done = ends[: len(story)]
    interrupted = done.count("reboot") + done.count("told")
    assert done.count("exit") <= 3
    assert interrupted <= MAX_INTERRUPTIONS + 1
    if story and story[-1][0].to is not None:
        assert done.count("exit") == 3 or interrupted == MAX_INTERRUPTIONS + 1
