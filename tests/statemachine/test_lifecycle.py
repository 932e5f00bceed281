"""The lifecycle as data: what it derives, what it answers, which contradictions it names."""

from __future__ import annotations

import pytest

from ezrec.lifecycle import CAPTURE, MERGE, RECORDING, STATES, UPLOAD
from ezrec.statemachine.errors import LifecycleError
from ezrec.statemachine.lifecycle import UNKNOWN, Lifecycle, Stage, State, Transition

IDLE = State(name="idle", marker=None)
QUEUED = State(name="queued", marker=".queued")
PRINTED = State(name="printed", marker=".printed")
JAMMED = State(name="jammed", marker=".jammed", error=True)
PRINT = Stage(
    name="print",
    source="queued",
    working="printing",
    ok="printed",
    exhausted="jammed",
    refused="jammed",
)
LOCKED = State(name="feeding", marker=".lock")


def declared(
    *extra: State, stages: tuple[Stage, ...] = (PRINT,), edges: tuple[Transition, ...] = ()
) -> Lifecycle:
    """The print queue with some states more."""
    states = (IDLE, QUEUED, PRINTED, JAMMED, *extra)
    return Lifecycle(name="prints", states=states, stages=stages, transitions=edges)


def stage(**changed: object) -> tuple[Stage, ...]:
    """The print stage, changed."""
    return (PRINT._replace(**changed),)  # type: ignore[arg-type]  # the tables say what


CONTRADICTIONS = [
    ({"stages": stage(source="nowhere")}, "names the state 'nowhere'"),
    ({"stages": stage(ok="nowhere")}, "names the state 'nowhere'"),
    ({"stages": stage(exhausted="nowhere")}, "names the state 'nowhere'"),
    ({"stages": stage(refused="nowhere")}, "names the state 'nowhere'"),
    ({"stages": stage(source="idle")}, "nothing starts from 'idle'"),
    ({"stages": stage(ok="idle")}, "can't end in 'idle'"),
    ({"stages": stage(refused="idle")}, "can't end in 'idle'"),
    ({"stages": stage(ok="queued")}, "can't end in 'queued'"),
    ({"stages": stage(exhausted="queued")}, "can't end in 'queued'"),
    ({"stages": stage(working="printed")}, "'printed' is a settled state already"),
    ({"stages": stage(working="queued")}, "'queued' is a settled state already"),
    ({"stages": stage(attempts=0)}, "attempts must be at least 1"),
    ({"stages": stage(limit=0)}, "limit must be at least 1"),
    ({"stages": stage(outputs=("a/b",))}, "outputs are plain names"),
    ({"stages": stage(outputs=(".hidden",))}, "outputs are plain names"),
    ({"stages": stage(outputs=("..",))}, "outputs are plain names"),
    ({"stages": stage(outputs=("",))}, "outputs are plain names"),
    ({"stages": stage(name="Print")}, "'Print' can't be a name"),
    ({"stages": stage(name="print;rm")}, "'print;rm' can't be a name"),
    ({"stages": stage(working="unknown")}, "'unknown' can't be a name"),
    ({"stages": (PRINT, PRINT)}, "stage 'print' is declared twice"),
    ({"stages": (PRINT, PRINT._replace(name="other"))}, "source of a stage 'queued'"),
    (
        {"stages": (PRINT, PRINT._replace(name="other", source="printed", ok="jammed"))},
        "working state 'printing' is declared twice",
    ),
    ({"extra": (QUEUED,)}, "state 'queued' is declared twice"),
    ({"extra": (State(name="again", marker=".queued"),)}, "marker '.queued' is declared twice"),
    ({"extra": (State(name="bare", marker=None),)}, "'idle' has no marker, every other"),
    ({"extra": (State(name="held", marker=".hold"),)}, "'.hold' can't be a marker"),
    ({"extra": (State(name="own", marker=".ezrec"),)}, "'.ezrec' can't be a marker"),
    ({"extra": (State(name="plain", marker="done"),)}, "'done' can't be a marker"),
    ({"extra": (State(name="deep", marker="./x"),)}, "'./x' can't be a marker"),
    ({"extra": (State(name="up", marker=".."),)}, "'..' can't be a marker"),
    ({"extra": (State(name="new\nline", marker=".nl"),)}, "can't be a name"),
    ({"extra": (State(name="unknown", marker=".unknown"),)}, "'unknown' can't be a name"),
    ({"extra": (State(name="feeding", marker=".lock", error=True),)}, "an error has a marker"),
    ({"extra": (LOCKED,), "stages": stage(ok="feeding")}, "can't end in 'feeding'"),
    ({"edges": (Transition("go", "queued", "nowhere"),)}, "names the state 'nowhere'"),
    ({"edges": (Transition("go", "nowhere", "queued"),)}, "names the state 'nowhere'"),
]


@pytest.mark.parametrize(("changed", "words"), CONTRADICTIONS, ids=[w for _, w in CONTRADICTIONS])
def test_a_contradiction_is_named(changed: dict[str, tuple[State, ...]], words: str) -> None:
    """Each contradiction in a declaration is refused in words when it is built."""
    with pytest.raises(LifecycleError) as refused:
        declared(*changed.pop("extra", ()), **changed)  # type: ignore[arg-type]  # from the table
    assert words in str(refused.value)
    assert "'prints'" in str(refused.value)


def test_without_idle_it_is_refused() -> None:
    """Every lifecycle has the state of a directory without a marker."""
    with pytest.raises(LifecycleError, match="there has to be a state 'idle'"):
        Lifecycle(name="x", states=(QUEUED, PRINTED, JAMMED), stages=(PRINT,))


def test_all_contradictions_are_named_at_once() -> None:
    """Whoever writes a lifecycle is told everything in one go."""
    with pytest.raises(LifecycleError) as refused:
        declared(QUEUED, stages=stage(ok="nowhere", attempts=0))
    for words in ("declared twice", "'nowhere'", "attempts must be"):
        assert words in str(refused.value)


def test_the_print_queue_is_a_lifecycle_too() -> None:
    """Nothing in a lifecycle asks for a lock state, or for more than one stage."""
    lifecycle = declared()
    assert lifecycle.lock_state is None
    assert lifecycle.markers == {".queued": "queued", ".printed": "printed", ".jammed": "jammed"}
    assert lifecycle.payload == ("*",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("recorded", "recorded"),
        (".done", "recorded"),
        ("done", "recorded"),
        ("recording", "recording"),
        ("lock", "recording"),
        (".error", "failed"),
        ("merge_error", "merge_failed"),
        ("idle", "idle"),
    ],
)
def test_a_state_is_called_by_its_name_or_marker(text: str, name: str) -> None:
    """A person may say the state or its marker, with or without the dot."""
    found = RECORDING.named(text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", ["", ".", "merging", "nothing", "None", "don"])
def test_what_names_no_state_is_none(text: str) -> None:
    """A working state or a typing error is no state to be pushed to."""
    assert RECORDING.named(text) is None


@pytest.mark.parametrize(
    ("name", "is_payload"),
    [
        ("camera_0.mp4", True),
        ("camera_0.part-2.mkv", True),
        ("merged.mp4", False),
        (".hidden.mp4", False),
        ("notes.txt", False),
        ("receipt.json", False),
        ("merged.mp4.partial", False),
    ],
)
def test_payload_is_what_the_work_is_about(name: str, is_payload: bool) -> None:
    """Outputs and hidden files never count as payload."""
    assert RECORDING.is_payload(name) is is_payload


def test_final_states_are_those_nothing_leads_out_of() -> None:
    """Finished: a stage leads out of none of them, and `idle` is somebody's work."""
    finals = {state.name for state in STATES if RECORDING.is_final(state.name)}
    assert finals == {"completed", "merge_failed", "failed"}


def test_lookups_of_states_and_stages() -> None:
    """Names lead to the declared objects; an undeclared one is a KeyError."""
    assert RECORDING.state("merged").marker == ".merged"
    assert RECORDING.stage("merge") is MERGE
    assert RECORDING.stage_from("recording") is CAPTURE
    assert RECORDING.stage_from("completed") is None
    assert RECORDING.by_marker(".completed") is STATES[4]
    assert RECORDING.by_marker(".nothing") is None
    with pytest.raises(KeyError):
        RECORDING.state("merging")
    with pytest.raises(KeyError):
        RECORDING.stage("nothing")


def test_the_derived_edges_are_the_designs() -> None:
    """The table of the design, as edges: each stage's four ends, and a push from and to anywhere."""
    edges = {(each.source, each.target, each.trigger) for each in RECORDING.transitions}
    for each in (CAPTURE, MERGE, UPLOAD):
        assert (each.source, each.working, f"start_{each.name}") in edges
        assert (each.working, each.ok, f"finish_{each.name}") in edges
        assert (each.working, each.exhausted, f"exhaust_{each.name}") in edges
        assert (each.working, each.refused, f"refuse_{each.name}") in edges
        assert (each.working, each.source, f"yield_{each.name}") in edges
    settled = {state.name for state in STATES}
    for source in {*settled, "merging", "uploading", UNKNOWN}:
        for target in settled:
            assert (source, target, f"push_{target}") in edges
    assert ("recording", "recorded", "salvage") in edges
    assert ("failed", "recorded", "mend_recorded") in edges
    assert not any(target == "completed" for _, target, t in edges if t.startswith("start"))
    assert len(edges) == len(RECORDING.transitions)


def test_without_takes_out_exactly_one_edge() -> None:
    """A lifecycle without an edge is otherwise the same."""
    edge = Transition("finish_merge", "merging", "merged")
    fewer = RECORDING.without(edge)
    assert set(RECORDING.transitions) - set(fewer.transitions) == {edge}
    assert fewer.states == RECORDING.states
