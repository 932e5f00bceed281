"""What the journal's lines add up to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezrec.statemachine.history import History, Pause, Run, history_of

STATE = {
    "kind": "state",
    "state": "recorded",
    "marker": ".done",
    "from": "recording",
    "content": "c",
}
ATTEMPT = {
    "kind": "attempt",
    "run": "r1",
    "stage": "merge",
    "state": "recorded",
    "attempt": 1,
    "boot": "b",
}
CANCEL = {"kind": "cancel", "run": "r1", "why": "push"}
FAILED = {
    "kind": "ended",
    "run": "r1",
    "stage": "merge",
    "result": "failed",
    "reason": "exit 1",
    "boot": "b",
    "up": 7.5,
    "delay": 2.0,
}
RUN = Run(id="r1", stage="merge", state="recorded", attempt=1, boot="b")
PAUSE = Pause(result="failed", stage="merge", reason="exit 1", boot="b", since=7.5, delay=2.0)

TABLE: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    ("nothing", [], {"known": None, "marker": None, "run": None}),
    ("any line", [{"kind": "hello"}], {"known": "idle"}),
    (
        "a state",
        [STATE],
        {"known": "recorded", "marker": ".done", "failed_from": "recording", "content": "c"},
    ),
    ("a push", [{**STATE, "kind": "push", "how": "push"}], {"known": "recorded", "requested": True}),
    ("a state is no request", [{**STATE, "how": "finished"}], {"requested": False}),
    ("a new one is", [{**STATE, "how": "new"}], {"requested": True}),
    ("a state without a marker", [{"kind": "state", "state": "idle", "marker": ""}], {"marker": None}),
    ("an attempt", [STATE, ATTEMPT], {"run": RUN, "attempts": 1, "known": "recorded"}),
    ("begun is no longer asked", [{**STATE, "how": "push"}, ATTEMPT], {"requested": False}),
    (
        "cancelled",
        [STATE, ATTEMPT, CANCEL],
        {"run": Run(id="r1", stage="merge", state="recorded", attempt=1, boot="b", cancelled="push")},
    ),
    ("another's cancel", [STATE, ATTEMPT, {**CANCEL, "run": "r0"}], {"run": RUN}),
    ("a cancel of nothing", [STATE, CANCEL], {"run": None}),
    (
        "failed",
        [STATE, ATTEMPT, FAILED],
        {"run": None, "attempts": 1, "pause": PAUSE, "last_run": "r1", "pending": None},
    ),
    ("failed twice", [STATE, ATTEMPT, FAILED, ATTEMPT, FAILED], {"attempts": 2}),
    ("begun again", [STATE, ATTEMPT, FAILED, ATTEMPT], {"attempts": 2, "pause": None}),
    (
        "postponed",
        [STATE, ATTEMPT, {**FAILED, "result": "postponed"}],
        {"attempts": 0, "postponed": 1},
    ),
    (
        "postponed twice, then failed",
        [STATE, *[ATTEMPT, {**FAILED, "result": "postponed"}] * 2, ATTEMPT, FAILED],
        {"attempts": 1, "postponed": 0},
    ),
    (
        "interrupted",
        [STATE, ATTEMPT, {**FAILED, "result": "interrupted"}],
        {"attempts": 0, "interruptions": 1},
    ),
    (
        "cancelled leaves no pause",
        [STATE, ATTEMPT, {**FAILED, "result": "cancelled"}],
        {"attempts": 0, "pause": None},
    ),
    (
        "a decision is pending",
        [STATE, ATTEMPT, {**FAILED, "result": "finished", "to": "merged"}],
        {"pending": "merged", "known": "recorded", "pause": None},
    ),
    (
        "and arrives",
        [STATE, ATTEMPT, {**FAILED, "to": "merged"}, {**STATE, "state": "merged"}],
        {"pending": None, "known": "merged", "attempts": 0, "last_run": "r1"},
    ),
    (
        "or is void",
        [STATE, ATTEMPT, {**FAILED, "to": "merged"}, {"kind": "void"}],
        {"pending": None, "known": "recorded"},
    ),
    (
        "a retry begins anew",
        [STATE, ATTEMPT, FAILED, {"kind": "retry", "content": "d"}],
        {"attempts": 0, "pause": None, "content": "d", "known": "recorded"},
    ),
    (
        "a push begins anew",
        [STATE, ATTEMPT, FAILED, {**STATE, "kind": "push"}],
        {"attempts": 0, "pause": None, "interruptions": 0},
    ),
    ("a push leaves the run to be taken up", [STATE, ATTEMPT, {**STATE, "kind": "push"}], {"run": RUN}),
    (
        "an end of no run",
        [STATE, {"kind": "ended", "result": "failed", "to": "failed"}],
        {"attempts": 0, "pending": "failed"},
    ),
    (
        "numbers that are none",
        [STATE, {**ATTEMPT, "attempt": float("inf")}, {**FAILED, "up": float("nan"), "delay": 10**400}],
        {"pause": Pause(result="failed", stage="merge", reason="exit 1", boot="b", since=0.0, delay=0.0)},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "expected"), [pytest.param(lines, e, id=words) for words, lines, e in TABLE]
)
def test_lines_add_up(lines: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    """Each kind of line, and what follows from several."""
    history = history_of(lines)
    assert {key: getattr(history, key) for key in expected} == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
KEYS = ["run", "stage", "state", "marker", "from", "to", "why", "result", "reason", "boot"]
LINES = st.fixed_dictionaries(
    {"kind": st.sampled_from(["state", "push", "attempt", "cancel", "ended", "void", "retry", "x"])},
    optional=dict.fromkeys([*KEYS, "attempt", "up", "delay", "setup", "content", "how"], ANYTHING),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(LINES, max_size=6))
def test_any_lines_add_up(lines: list[dict[str, Any]]) -> None:
    """Whatever a line holds, the fold is total, pure, and counts stay counts."""
    history = history_of(lines)
    assert isinstance(history, History)
    assert history.attempts >= 0 and history.postponed >= 0 and history.interruptions >= 0
    assert (history.known is None) is (not lines)
    assert repr(history_of(lines)) == repr(history)


@given(st.lists(st.sampled_from([ATTEMPT, FAILED, CANCEL, {"kind": "void"}]), max_size=12))
def test_only_a_state_a_push_or_a_retry_forgets_attempts(lines: list[dict[str, Any]]) -> None:
    """No other line makes the count of attempts smaller than the failures told."""
    pairs = [line for line in lines if line is not ATTEMPT]
    history = history_of([STATE, *lines])
    assert history.attempts == sum(line is ATTEMPT for line in lines)
    assert history.known == "recorded"
    assert len(pairs) <= len(lines)


@pytest.mark.parametrize(
    ("number", "known"), [(1, "idle"), (0, "idle"), (2, None), (9000, None), (True, "idle")]
)
def test_a_journal_without_its_beginning_knows_no_state(number: int, known: str | None) -> None:
    """It began at idle where its first line is there; else a state has to be told first."""
    assert history_of([{**ATTEMPT, "seq": number}]).known == known
    told = [{**ATTEMPT, "seq": number}, {**STATE, "seq": number + 1}]
    assert history_of(told).known == "recorded"
