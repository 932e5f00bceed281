"""The machine made by `transitions`: the only judge of what is legal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine

from ezrec.lifecycle import RECORDING
from ezrec.statemachine.errors import IllegalTransition
from ezrec.statemachine.lifecycle import UNKNOWN, Lifecycle, Stage, State, Transition
from ezrec.statemachine.machine import LifecycleMachine, Subject

MACHINE = LifecycleMachine(RECORDING)
PERMITTED = {"outputs_stand": True, "attempts_used_up": True, "leased": True}
PLACES = [
    *(state.name for state in RECORDING.states),
    *(stage.working for stage in RECORDING.stages if stage.source != stage.working),
    UNKNOWN,
]
TRIGGERS = sorted({edge.trigger for edge in RECORDING.transitions})


def edge_id(edge: Transition) -> str:
    """How a test of this edge is called."""
    return f"{edge.trigger}-{edge.source}"


def test_the_call_of_the_findings_adds_nothing_to_the_subject() -> None:
    """`machine.events[name].trigger(subject)` drives an unregistered subject and leaves it bare."""
    machine = Machine(
        model=None,
        states=["a", "b"],
        transitions=[{"trigger": "go", "source": "a", "dest": "b"}],
        initial=None,
        auto_transitions=False,
        send_event=True,
    )
    subject = SimpleNamespace(state="a")
    assert machine.events["go"].trigger(subject) is True
    assert vars(subject) == {"state": "b"}
    assert machine.models == []


def test_our_machine_adds_nothing_to_the_subject() -> None:
    """A subject is its state, before and after: a hundred thousand cost nothing."""

    class Open(Subject):
        """A subject that could be added to."""

    subject = Open("merging")
    assert MACHINE.fire(subject, "finish_merge", outputs_stand=True) == "merged"
    assert subject.state == "merged"
    assert vars(subject) == {}
    assert not hasattr(Subject("idle"), "__dict__")


@pytest.mark.parametrize("edge", RECORDING.transitions, ids=edge_id)
def test_every_declared_edge_is_possible(edge: Transition) -> None:
    """With its guards content, each edge of the lifecycle leads where it says."""
    subject = Subject(edge.source)
    assert MACHINE.allows(edge.source, edge.trigger)
    assert MACHINE.fire(subject, edge.trigger, **PERMITTED) == edge.target


@pytest.mark.parametrize("edge", RECORDING.transitions, ids=edge_id)
def test_an_edge_taken_out_is_refused_and_no_other(edge: Transition) -> None:
    """Without an edge the machine refuses exactly that one."""
    machine = LifecycleMachine(RECORDING.without(edge))
    refused = {
        (each.trigger, each.source)
        for each in RECORDING.transitions
        if not _fires(machine, each.source, each.trigger)
    }
    assert refused == {(edge.trigger, edge.source)}


def _fires(machine: LifecycleMachine, source: str, trigger: str) -> bool:
    try:
        machine.fire(Subject(source), trigger, **PERMITTED)
    except IllegalTransition:
        return False
    return True


def test_what_is_not_in_the_table_is_refused() -> None:
    """Every pair of a place and a trigger is either in the table or raises IllegalTransition."""
    table = {(edge.source, edge.trigger) for edge in RECORDING.transitions}
    for place in PLACES:
        for trigger in TRIGGERS:
            assert _fires(MACHINE, place, trigger) is ((place, trigger) in table)
            assert MACHINE.allows(place, trigger) is ((place, trigger) in table)


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        ("recorded", "no_such_trigger"),
        ("recorded", "to_completed"),
        ("recorded", "__class__"),
        ("recorded", ""),
        ("ghost", "push_merged"),
        ("ghost", "ask"),
        ("", "clear"),
        ("idle", "finish_upload"),
        ("recorded", "finish_merge"),
        ("merged", "finish_merge"),
    ],
)
def test_a_foreign_trigger_or_state_is_illegal(source: str, trigger: str) -> None:
    """Neither an undeclared state nor a trigger of nobody's ends in any other exception."""
    subject = Subject(source)
    with pytest.raises(IllegalTransition) as refused:
        MACHINE.fire(subject, trigger, **PERMITTED)
    assert repr(trigger) in str(refused.value)
    assert repr(source) in str(refused.value)
    assert subject.state == source


@pytest.mark.parametrize(
    ("source", "trigger", "fact"),
    [
        *((s.working, f"finish_{s.name}", "outputs_stand") for s in RECORDING.stages),
        *((s.working, f"exhaust_{s.name}", "attempts_used_up") for s in RECORDING.stages),
        *((s.source, f"start_{s.name}", "leased") for s in RECORDING.stages),
    ],
)
@pytest.mark.parametrize("given_facts", ["nothing", "false", "others"])
def test_a_guard_holds_the_edge(source: str, trigger: str, fact: str, given_facts: str) -> None:
    """No finish without outputs, no giving up with attempts left, no start without the lease."""
    facts: dict[str, Any] = {
        "nothing": {},
        "false": {**PERMITTED, fact: False},
        "others": {key: True for key in PERMITTED if key != fact},
    }[given_facts]
    subject = Subject(source)
    with pytest.raises(IllegalTransition):
        MACHINE.fire(subject, trigger, **facts)
    assert subject.state == source
    MACHINE.fire(subject, trigger, **{fact: True})


NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("idle", UNKNOWN, "working", "hold", "lock", "journal", "ezrec")
)


@given(st.lists(NAME, min_size=4, max_size=8, unique=True))
def test_any_lifecycle_makes_a_machine(names: list[str]) -> None:
    """Whatever the states are called, the machine knows every derived edge."""
    states = [State(name=name, marker=f".m{index}") for index, name in enumerate(names)]
    work = Stage(
        name="work",
        source=names[0],
        working="working",
        ok=names[1],
        exhausted=names[2],
        refused=names[3],
    )
    idle = State(name="idle", marker=None)
    lifecycle = Lifecycle(name="any", states=(idle, *states), stages=(work,))
    machine = LifecycleMachine(lifecycle)
    for edge in lifecycle.transitions:
        assert machine.fire(Subject(edge.source), edge.trigger, **PERMITTED) == edge.target


def test_firing_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """`transitions` does not fill the daemon's log with a line for each step."""
    with caplog.at_level("INFO"):
        MACHINE.fire(Subject("recorded"), "clear")
    assert caplog.records == []
