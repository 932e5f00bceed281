"""The decision: one look at a recording, one thing to do. Total and pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.lifecycle import CAPTURE, MERGE, RECORDING, UPLOAD
from ezrec.statemachine.decide import (
    Cancel,
    Decision,
    GiveUp,
    Held,
    Leave,
    Park,
    PutBack,
    Refuse,
    Settle,
    Start,
    TakeUp,
    Tidy,
    View,
    Wait,
    Watch,
    decide,
    remaining,
)
from ezrec.statemachine.history import MAX_INTERRUPTIONS, History, Pause, Run
from ezrec.statemachine.lifecycle import UNKNOWN
from ezrec.statemachine.markers import How, Resolution
from ezrec.statemachine.place import Sighting
from ezrec.statemachine.runs import RunResult

SEEN = Sighting(
    present=frozenset({"recorded"}),
    names=frozenset({".done", "camera_0.mp4"}),
    lock=False,
    hold=False,
    payload=True,
    odd=(),
    content="as journaled",
)
RUN = Run(id="r1", stage="merge", state="recorded", attempt=1, boot="b1")
RESULT = RunResult(run="r1", exit=0)
SETTLED = Resolution(state="recorded", how=How.SETTLED)
PAUSE = Pause(result="failed", stage="merge", reason="no", boot="b1", since=100.0, delay=8.0)
CALM = View(
    lifecycle=RECORDING,
    sighting=SEEN,
    history=History(known="recorded", content="as journaled"),
    resolution=SETTLED,
    leased=False,
    quiet=True,
    result=None,
    boot="b1",
    seconds=102.0,
    setup="s1",
)


def view(**changed: Any) -> View:
    """The calm view, changed: `hold`, `odd`, `content` in its sighting, `h_…` in its history."""
    sighted = {key: changed.pop(key) for key in ("hold", "odd", "content") if key in changed}
    told = {key[2:]: changed.pop(key) for key in list(changed) if key.startswith("h_")}
    return CALM._replace(
        sighting=CALM.sighting._replace(**sighted),
        history=CALM.history._replace(**told),
        **changed,
    )


def meant(state: str, how: How = How.SETTLED, *, stale_lock: bool = False) -> Resolution:
    """A resolution."""
    return Resolution(state=state, how=how, stale_lock=stale_lock)


PUSHED = meant("merged", How.PUSHED)
LOST = Resolution(state="recorded", how=How.SETTLED, remove=frozenset({"merged"}))
CANCELLED = RUN._replace(cancelled="push")
PARKED = PAUSE._replace(result="parked", setup="s1", delay=0.0)

TABLE: list[tuple[str, View, Decision]] = [
    ("a state with a stage: start", view(), Start(MERGE, 1)),
    ("a second attempt", view(h_attempts=1), Start(MERGE, 2)),
    ("upload", view(resolution=meant("merged")), Start(UPLOAD, 1)),
    ("capture", view(resolution=meant("recording")), Start(CAPTURE, 1)),
    ("idle", view(resolution=meant("idle")), Leave()),
    ("completed", view(resolution=meant("completed")), Leave()),
    ("failed", view(resolution=meant("failed")), Leave()),
    ("unknown", view(resolution=meant(UNKNOWN, How.UNKNOWN)), Leave()),
    (
        "unknown is left while it is written to",
        view(resolution=meant(UNKNOWN, How.UNKNOWN)),
        Leave(),
    ),
    ("leased by somebody", view(leased=True), Watch(None)),
    ("leased by a run", view(leased=True, h_run=RUN), Watch(RUN)),
    ("a push under work", view(leased=True, h_run=RUN, resolution=PUSHED), Cancel(RUN)),
    ("told again", view(leased=True, h_run=CANCELLED, resolution=PUSHED), Cancel(CANCELLED)),
    ("a push under a lease without a run", view(leased=True, resolution=PUSHED), Watch(None)),
    (
        "a marker removed under work",
        view(leased=True, h_run=RUN, resolution=meant("recorded", How.PUT_BACK)),
        PutBack("recorded"),
    ),
    (
        "removed, under work that ends",
        view(leased=True, h_run=CANCELLED, resolution=meant("recorded", How.PUT_BACK)),
        Cancel(CANCELLED),
    ),
    ("odd", view(odd=(".done",)), Refuse((".done",))),
    ("odd before anything else", view(odd=(".done",), h_run=RUN, hold=True), Refuse((".done",))),
    ("odd under a lease is looked at later", view(odd=(".done",), leased=True), Watch(None)),
    ("a run is over", view(h_run=RUN, result=RESULT), TakeUp(RUN, RESULT)),
    ("a supervisor died", view(h_run=RUN), TakeUp(RUN, None)),
    (
        "an end before a push",
        view(h_run=RUN, result=RESULT, resolution=PUSHED),
        TakeUp(RUN, RESULT),
    ),
    ("a push", view(resolution=PUSHED), Tidy(PUSHED)),
    ("losers", view(resolution=LOST), Tidy(LOST)),
    (
        "a stale lock",
        view(resolution=meant("recorded", stale_lock=True)),
        Tidy(meant("recorded", stale_lock=True)),
    ),
    ("not ours, moving", view(quiet=False, content="new"), Settle()),
    ("not ours, moving, to be tidied", view(quiet=False, content="x", resolution=PUSHED), Settle()),
    ("not ours, still", view(quiet=True, content="new"), Start(MERGE, 1)),
    ("ours needs no settling", view(quiet=False), Start(MERGE, 1)),
    ("a push onto ours needs none", view(quiet=False, resolution=PUSHED), Tidy(PUSHED)),
    (
        "what nothing leads out of may move",
        view(quiet=False, content="new", resolution=meant("completed")),
        Leave(),
    ),
    ("no hook", view(setup_problem="no hook"), Park(MERGE, "no hook")),
    ("no hook, still moving", view(setup_problem="no", quiet=False, content="x"), Settle()),
    ("parked", view(h_pause=PARKED), Park(MERGE, "no")),
    ("parked, mended", view(h_pause=PARKED, setup="s2"), Start(MERGE, 1)),
    ("parked in another boot", view(h_pause=PARKED, boot="b2"), Park(MERGE, "no")),
    ("used up", view(h_attempts=3), GiveUp(MERGE)),
    ("used up, though waiting", view(h_attempts=3, h_pause=PAUSE), GiveUp(MERGE)),
    ("used up, though parked", view(h_attempts=3, h_pause=PARKED), Park(MERGE, "no")),
    ("upload has five", view(h_attempts=3, resolution=meant("merged")), Start(UPLOAD, 4)),
    ("20 interruptions", view(h_interruptions=MAX_INTERRUPTIONS), Start(MERGE, 1)),
    ("21 interruptions", view(h_interruptions=MAX_INTERRUPTIONS + 1), GiveUp(MERGE)),
    ("a pause", view(h_attempts=1, h_pause=PAUSE), Wait(6.0, PAUSE)),
    ("a pause over", view(h_attempts=1, h_pause=PAUSE, seconds=108.0), Start(MERGE, 2)),
    (
        "a pause of another stage",
        view(h_attempts=1, h_pause=PAUSE._replace(stage="upload")),
        Start(MERGE, 2),
    ),
    ("a pause of another boot", view(h_attempts=1, h_pause=PAUSE, boot="b2"), Start(MERGE, 2)),
]


def told(decision: Decision) -> tuple[type, tuple[object, ...]]:
    """A decision so that it can be compared: what it is, and what it holds."""
    return type(decision), tuple(decision) if isinstance(decision, tuple) else ()


@pytest.mark.parametrize(
    ("seen", "decision"), [pytest.param(v, d, id=words) for words, v, d in TABLE]
)
def test_each_decision(seen: View, decision: Decision) -> None:
    """One row for each thing that can be decided, and for its exceptions."""
    assert told(decide(seen)) == told(decision)


def test_the_table_has_every_decision() -> None:
    """No decision is untested; Held has a test of its own."""
    assert {type(decision) for _, _, decision in TABLE} | {Held} == set(Decision.__args__)


PAUSES = st.builds(
    Pause,
    result=st.sampled_from(["failed", "postponed", "parked", "interrupted", ""]),
    stage=st.sampled_from(["merge", "upload", "gone"]),
    reason=st.text(max_size=5),
    boot=st.sampled_from(["b1", "b2", ""]),
    since=st.floats(-1e9, 1e9),
    delay=st.floats(-1e9, 1e9),
    setup=st.sampled_from(["", "s1", "s2"]),
)
RUNS = st.builds(
    Run,
    id=st.sampled_from(["r1", "r2", ""]),
    stage=st.sampled_from(["merge", "capture", "gone"]),
    state=st.sampled_from(["recorded", "recording", "gone"]),
    attempt=st.integers(-1, 99),
    boot=st.sampled_from(["b1", "b2"]),
    cancelled=st.sampled_from([None, "push", "stop", "push:idle"]),
)
STATES = st.sampled_from([*(state.name for state in RECORDING.states), UNKNOWN])
HISTORIES = st.builds(
    History,
    known=st.none() | STATES | st.just("gone"),
    pending=st.none() | STATES,
    run=st.none() | RUNS,
    attempts=st.integers(0, 9),
    interruptions=st.integers(0, 30),
    pause=st.none() | PAUSES,
    content=st.none() | st.sampled_from(["c1", "c2"]),
)
SIGHTINGS = st.builds(
    Sighting,
    present=st.frozensets(st.sampled_from(sorted(RECORDING.markers.values()))),
    names=st.just(frozenset[str]()),
    lock=st.booleans(),
    hold=st.booleans(),
    payload=st.booleans(),
    odd=st.sampled_from([(), (), (), (".done",)]),
    content=st.sampled_from(["c1", "c2"]),
)
VIEWS = st.builds(
    View,
    lifecycle=st.just(RECORDING),
    sighting=SIGHTINGS,
    history=HISTORIES,
    resolution=st.builds(
        Resolution,
        state=STATES,
        how=st.sampled_from(How),
        remove=st.frozensets(st.sampled_from(["merged", "failed"])),
        stale_lock=st.booleans(),
    ),
    leased=st.booleans(),
    quiet=st.booleans(),
    result=st.none() | st.just(RESULT),
    boot=st.sampled_from(["b1", "b2"]),
    seconds=st.floats(0, 1e9),
    setup=st.sampled_from(["", "s1"]),
    setup_problem=st.sampled_from(["", "", "no hook"]),
)


@given(VIEWS)
def test_decide_is_total_and_pure(seen: View) -> None:
    """Any view has a decision, and the same one each time."""
    decision = decide(seen)
    assert isinstance(decision, Decision)
    assert told(decide(seen._replace())) == told(decision)


@given(VIEWS)
def test_a_hold_starts_and_changes_nothing(seen: View) -> None:
    """Under `.hold` only the end of a run is taken up; what can't be taken is still said."""
    held = seen._replace(leased=False, sighting=seen.sighting._replace(hold=True))
    assert isinstance(decide(held), Held | TakeUp | Refuse)
    if held.history.run is None and not held.sighting.odd:
        assert isinstance(decide(held), Held)


@given(VIEWS)
def test_work_that_runs_is_only_watched_or_ended(seen: View) -> None:
    """Under somebody's lease nothing is started, tidied or taken up."""
    decision = decide(seen._replace(leased=True))
    assert isinstance(decision, Watch | Cancel | PutBack)


@given(VIEWS)
def test_nothing_starts_beside_a_run_that_is_not_taken_up(seen: View) -> None:
    """An exit status is taken up before anything is tidied or begun."""
    if seen.history.run is not None and not seen.leased and not seen.sighting.odd:
        assert told(decide(seen)) == told(TakeUp(seen.history.run, seen.result))


@given(VIEWS)
def test_a_start_is_a_start_of_that_states_stage(seen: View) -> None:
    """Nothing starts but the stage of the state, quiet or ours, within its attempts, in good set-up."""
    decision = decide(seen)
    if isinstance(decision, Start):
        assert decision.stage.source == seen.resolution.state
        assert seen.quiet or seen.history.content == seen.sighting.content
        assert decision.stage.attempts is not None
        assert decision.attempt <= decision.stage.attempts
        assert not seen.setup_problem and not seen.leased and not seen.sighting.hold


@given(VIEWS)
def test_a_wait_is_for_the_future(seen: View) -> None:
    """A wait has an end: it is never for no time, or for less."""
    decision = decide(seen)
    if isinstance(decision, Wait):
        assert decision.seconds > 0


@pytest.mark.parametrize(
    ("boot", "seconds", "left"),
    [("b1", 100.0, 8.0), ("b1", 107.5, 0.5), ("b1", 109.0, -1.0), ("b2", 1.0, 0.0)],
)
def test_a_pause_is_of_its_boot(boot: str, seconds: float, left: float) -> None:
    """Seconds of one boot say nothing in another: there the pause is over."""
    assert remaining(PAUSE, boot, seconds) == left
