"""The resolver: total, order-free, idempotent, over every combination; and the design's rules, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.lifecycle import RECORDING
from ezrec.statemachine.lifecycle import IDLE, UNKNOWN, Lifecycle, Stage, State
from ezrec.statemachine.markers import (
    RULES,
    Facts,
    How,
    Resolution,
    Rule,
    least,
    mended_state,
    newcomers,
    resolve,
    rule_for,
)

GHOST = "ghost"
LOCKED = "recording"
DECLARED = [state.name for state in RECORDING.states]
MARKED = [name for name in DECLARED if name not in (IDLE, LOCKED)]
ERRORS = {"merge_failed", "failed"}
KNOWN = [None, GHOST, *DECLARED]
#: a decision leads to a settled state with a marker of its own: the lifecycle refuses all else
PENDING = [None, *MARKED]
SUBSETS = [
    frozenset(each)
    for each in chain.from_iterable(combinations(MARKED, size) for size in range(len(MARKED) + 1))
]
BOTH = (False, True)


def every_case() -> Iterator[Facts]:
    """Every marker set x lock x lease x known x pending x payload x request, in full; the rest where
    the resolver could look at it."""
    cores = product(SUBSETS, BOTH, BOTH, KNOWN, PENDING, BOTH, BOTH)
    for present, lock, leased, known, pending, payload, requested in cores:
        erring = bool({known, pending} & ERRORS)
        for failed_from, undeclared, supported in product(
            (None, IDLE, LOCKED, "recorded", "merged") if erring else (None,),
            BOTH if known == GHOST else (False,),
            (None, "merged") if erring else (None,),
        ):
            yield Facts(
                present=present,
                lock=lock,
                leased=leased,
                payload=payload,
                known=known,
                pending=pending,
                failed_from=failed_from,
                undeclared=undeclared,
                requested=requested,
                supported=supported,
            )


def applied(facts: Facts, found: Resolution) -> Facts:
    """The facts when what the resolution asks for has been done, as `acts` does it."""
    lock = facts.lock and not found.stale_lock
    left = facts.present - found.remove
    if found.how is How.SETTLED:
        return facts._replace(present=left, lock=lock)
    if found.how is How.UNKNOWN:
        return facts
    if found.how is How.PUT_BACK:
        back = {found.state} - {LOCKED}
        return facts._replace(present=facts.present | back, lock=lock or found.state == LOCKED)
    if found.how in (How.RESUMED, How.SALVAGED):
        left, lock = frozenset({found.state}), False
    if found.how in (How.MENDED, How.CLEARED):
        left = frozenset({found.state} - {IDLE})
    asked = found.how is How.PUSHED
    return facts._replace(
        present=left,
        lock=lock,
        known=found.state,
        pending=None,
        undeclared=False,
        requested=asked,
    )


def check(lifecycle: Lifecycle, facts: Facts) -> None:
    """Total, lawful and idempotent for these facts."""
    found = resolve(lifecycle, facts)
    assert found.state in {state.name for state in lifecycle.states} | {UNKNOWN}, facts
    assert found.remove <= facts.present, facts
    assert found.state not in found.remove, facts
    assert facts.lock or not found.stale_lock, facts
    assert resolve(lifecycle, facts) == found
    if facts.leased:
        assert not found.remove and not found.stale_lock, facts
    if facts.leased and found.how is How.PUSHED:
        later = resolve(lifecycle, facts._replace(leased=False))
        assert (later.state, later.how) == (found.state, How.PUSHED), "a push under work is kept"
        return
    after = applied(facts, found)
    again = resolve(lifecycle, after)
    settled = How.UNKNOWN if found.how is How.UNKNOWN else How.SETTLED
    assert again == Resolution(state=found.state, how=settled), (facts, found, after, again)


def test_p12_every_combination(capsys: pytest.CaptureFixture[str]) -> None:
    """Total, only losers are removed, never the winner, and resolving twice is resolving once."""
    cases = 0
    for facts in every_case():
        check(RECORDING, facts)
        cases += 1
    with capsys.disabled():
        print(f"\nP12: {cases} combinations resolved, 0 undefined")
    assert cases > 100_000


def test_p12_nothing_else_can_be_handed_in_that_breaks_it() -> None:
    """Also what a journal never says (a decision for `idle` or the lock's state) raises nothing."""
    for present, lock, leased, known, pending, payload in product(
        SUBSETS, BOTH, BOTH, KNOWN, (IDLE, LOCKED), BOTH
    ):
        facts = Facts(
            present=present, lock=lock, leased=leased, known=known, pending=pending, payload=payload
        )
        found = resolve(RECORDING, facts)
        assert found.state in (*DECLARED, UNKNOWN)
        assert found.remove <= facts.present - {found.state}


@cache
def first_cases() -> dict[str, list[Facts]]:
    """Some of the cases that each rule decides: the first 200."""
    met: dict[str, list[Facts]] = {rule.name: [] for rule in RULES}
    for facts in every_case():
        met[rule_for(RECORDING, facts).name].append(facts)
    return {name: cases[:: max(1, len(cases) // 200)] for name, cases in met.items()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_is_dead(rule: Rule) -> None:
    """Each rule decides some case."""
    assert first_cases()[rule.name]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_is_superfluous(rule: Rule) -> None:
    """With any one rule taken out, some case is resolved otherwise, or not at all."""
    others = [each for each in RULES if each is not rule]

    def differs(facts: Facts) -> bool:
        second = next((each for each in others if each.applies(RECORDING, facts)), None)
        if second is None:
            return True
        before = (rule.state(RECORDING, facts), rule.how)
        return before != (second.state(RECORDING, facts), second.how)

    assert any(map(differs, first_cases()[rule.name]))


def test_the_rules_are_told_apart() -> None:
    """Names and words are unique: the documentation prints them."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert len({rule.words for rule in RULES}) == len(RULES)


def test_every_resolution_is_an_edge_of_the_machine() -> None:
    """Whatever is to be tidied, the lifecycle has the transition by which it may happen."""
    edges = {(edge.source, edge.target, edge.trigger) for edge in RECORDING.transitions}
    for facts in every_case():
        found = resolve(RECORDING, facts)
        known = UNKNOWN if facts.known == GHOST else facts.known or IDLE
        trigger = {
            How.FOUND: f"find_{found.state}",
            How.PUSHED: f"push_{found.state}",
            How.TIED: f"push_{found.state}",
            How.SALVAGED: "salvage",
            How.ASKED: "ask",
            How.MENDED: f"mend_{found.state}",
            How.CLEARED: "clear",
        }.get(found.how)
        if (
            trigger is None
            or facts.leased
            or (found.how is How.CLEARED and known in (IDLE, UNKNOWN))
        ):
            continue
        if known == UNKNOWN and found.how is How.ASKED:
            continue  # from a state that is no longer declared: the only edge is a push
        sources: set[str | None] = {
            known,
            facts.pending,
            LOCKED if found.how is How.SALVAGED else known,
        }
        if found.how is How.CLEARED and known in ERRORS:
            sources = {facts.pending}
        if found.how is How.MENDED and not sources & ERRORS:
            sources = {*ERRORS}
        assert any((source, found.state, trigger) in edges for source in sources), (facts, found)


# the rules of the design, row by row -------------------------------------------------------------

F = Facts
RULE_3 = [
    ("the last line's marker is ours", F(present=frozenset({"merged"}), known="merged"), "merged"),
    (
        "a pending decision is ours: renamed already",
        F(present=frozenset({"merged"}), known="recorded", pending="merged"),
        "merged",
    ),
    (
        "a pending decision is ours: not renamed yet",
        F(present=frozenset({"recorded"}), known="recorded", pending="merged"),
        "merged",
    ),
    (
        "last and pending together: the work is done again",
        F(present=frozenset({"recorded", "merged"}), known="recorded", pending="merged"),
        "recorded",
    ),
    (
        "a pending end of the capture: `.lock` becomes `.done`",
        F(lock=True, payload=True, known="recording", pending="recorded"),
        "recorded",
    ),
    (
        "a pending failure of the capture is no success",
        F(lock=True, payload=True, known="recording", pending="failed"),
        "failed",
    ),
]
RULE_4 = [
    (
        "beside ours",
        F(present=frozenset({"merged", "recorded"}), known="merged"),
        "recorded",
    ),
    ("instead of ours", F(present=frozenset({"recorded"}), known="merge_failed"), "recorded"),
    (
        "forwards too",
        F(present=frozenset({"merged", "completed"}), known="merged"),
        "completed",
    ),
    (
        "it beats a pending decision",
        F(present=frozenset({"recorded", "failed"}), known="recorded", pending="merged"),
        "failed",
    ),
    (
        "two newcomers: the least advanced",
        F(present=frozenset({"recorded", "completed"}), known="merged"),
        "recorded",
    ),
    (
        "two newcomers: errors before progress",
        F(present=frozenset({"recorded", "merge_failed"}), known="merged"),
        "merge_failed",
    ),
    (
        "`.error` before `.merge_error`",
        F(present=frozenset({"failed", "merge_failed"}), known="merged"),
        "failed",
    ),
    ("no journal: as it stands", F(present=frozenset({"merged"})), "merged"),
    (
        "no journal, two: the least advanced",
        F(present=frozenset({"merged", "completed"})),
        "merged",
    ),
    (
        "no journal, an error among them",
        F(present=frozenset({"merged", "completed", "merge_failed"})),
        "merge_failed",
    ),
    ("no marker and no journal", F(payload=True), "idle"),
]
RULE_5 = [
    ("merge failed: merged again", F(known="merge_failed", failed_from="recorded"), "recorded"),
    ("upload refused: uploaded again", F(known="failed", failed_from="merged"), "merged"),
    (
        "capture failed, with footage",
        F(known="failed", failed_from="recording", payload=True),
        "recorded",
    ),
    ("capture failed, no footage", F(known="failed", failed_from="recording"), "idle"),
    ("from nowhere known, with footage", F(known="failed", payload=True), "recorded"),
    ("from nowhere known, with an output", F(known="failed", supported="merged"), "merged"),
    ("from nowhere known, with nothing", F(known="failed"), "idle"),
    ("any other: `.done` removed", F(known="recorded", payload=True), "idle"),
    ("any other: `.completed` removed", F(known="completed", payload=True), "idle"),
    ("while work runs it is put back", F(known="recorded", leased=True, lock=True), "recorded"),
    ("a capture's `.lock` is put back too", F(known="recording", leased=True), "recording"),
]
RULE_6 = [
    (
        "stale beside a state marker",
        F(present=frozenset({"merged"}), known="merged", lock=True),
        "merged",
    ),
    ("the original's, beside a marker", F(present=frozenset({"recorded"}), lock=True), "recorded"),
    ("alone with footage", F(lock=True, payload=True), "recorded"),
    ("alone without footage: asks", F(lock=True), "recording"),
    ("alone in a known idle directory: asks", F(lock=True, known=IDLE), "recording"),
    ("journaled, not begun", F(lock=True, known="recording"), "recording"),
    (
        "a capture that died with footage",
        F(lock=True, payload=True, known="recording"),
        "recorded",
    ),
    (
        "`ezrec push REC recording`: another take",
        F(lock=True, payload=True, known="recording", requested=True),
        "recording",
    ),
    (
        "held by work: a capture",
        F(lock=True, payload=True, known="recording", leased=True),
        "recording",
    ),
    (
        "`.done` onto a running capture",
        F(present=frozenset({"recorded"}), lock=True, known="recording", leased=True),
        "recorded",
    ),
]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param(facts, state, id=f"{number}: {words}")
        for number, rows in ((3, RULE_3), (4, RULE_4), (5, RULE_5), (6, RULE_6))
        for words, facts, state in rows
    ],
)
def test_the_rules_of_the_design(facts: Facts, state: str) -> None:
    """Each sentence of the design's rules 3 to 6 that names a state."""
    assert resolve(RECORDING, facts).state == state


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            F(present=frozenset({"merged", "recorded"}), known="merged"),
            Resolution(state="recorded", how=How.PUSHED, remove=frozenset({"merged"})),
        ),
        (
            F(present=frozenset({"recorded", "completed", "failed"})),
            Resolution(state="failed", how=How.FOUND, remove=frozenset({"recorded", "completed"})),
        ),
        (
            F(present=frozenset({"merged"}), known="merged", lock=True),
            Resolution(state="merged", how=How.SETTLED, stale_lock=True),
        ),
        (
            F(lock=True, payload=True, known="completed"),
            Resolution(state="recorded", how=How.SALVAGED),
        ),
        (F(lock=True, known="completed"), Resolution(state="recording", how=How.ASKED)),
        (F(known=GHOST, undeclared=True), Resolution(state=UNKNOWN, how=How.UNKNOWN)),
        (
            F(known=GHOST, undeclared=True, lock=True, payload=True),
            Resolution(state=UNKNOWN, how=How.UNKNOWN),
        ),
        (
            F(known=GHOST, undeclared=True, present=frozenset({"recorded"})),
            Resolution(state="recorded", how=How.PUSHED),
        ),
        (F(known=GHOST), Resolution(state=IDLE, how=How.CLEARED)),
        (F(known="recorded", leased=True), Resolution(state="recorded", how=How.PUT_BACK)),
        (
            F(present=frozenset({"merged"}), known="recorded", pending="merged", leased=True),
            Resolution(state="recorded", how=How.SETTLED),
        ),
    ],
)
def test_what_there_is_to_tidy(facts: Facts, expected: Resolution) -> None:
    """How it came, which markers have lost, whether the lock is stale: the whole resolution."""
    assert resolve(RECORDING, facts) == expected


def test_an_unknown_marker_is_never_idle() -> None:
    """A marker that the journal knows and this lifecycle does not declare: reported, not restarted."""
    for lock, payload, requested in product(BOTH, BOTH, BOTH):
        facts = F(known=GHOST, undeclared=True, lock=lock, payload=payload, requested=requested)
        assert resolve(RECORDING, facts) == Resolution(state=UNKNOWN, how=How.UNKNOWN)


@pytest.mark.parametrize("size", range(1, len(MARKED) + 1))
def test_the_order_of_precedence(size: int) -> None:
    """Of any set: `.error`, `.merge_error`, then the least advanced."""
    order = ["failed", "merge_failed", "recorded", "merged", "completed"]
    for states in combinations(MARKED, size):
        assert least(RECORDING, frozenset(states)) == min(states, key=order.index)


@given(st.permutations(MARKED), st.integers(0, 5), st.sampled_from(KNOWN))
def test_the_order_of_a_listing_does_not_matter(
    order: list[str], size: int, known: str | None
) -> None:
    """The same markers in any order are the same facts."""
    one = F(present=frozenset(order[:size]), known=known)
    other = F(present=frozenset(reversed(order[:size])), known=known)
    assert resolve(RECORDING, one) == resolve(RECORDING, other)


def test_newcomers_are_what_the_journal_does_not_name() -> None:
    """Neither the last nor the pending state's marker is a newcomer."""
    facts = F(present=frozenset(MARKED), known="recorded", pending="merged")
    assert newcomers(facts) == {"completed", "merge_failed", "failed"}


@pytest.mark.parametrize("payload", BOTH)
@pytest.mark.parametrize("failed_from", [None, IDLE, LOCKED, "recorded", "merged"])
def test_a_mended_recording_goes_to_a_state_with_work_or_idle(
    failed_from: str | None, payload: bool
) -> None:
    """An error lifted never leads to an error, to a camera, or to `completed`."""
    facts = F(known="failed", failed_from=failed_from, payload=payload)
    assert mended_state(RECORDING, facts) in (IDLE, "recorded", "merged")


# other lifecycles --------------------------------------------------------------------------------


@st.composite
def lifecycles(draw: st.DrawFn) -> Lifecycle:
    """A line of states, some stages along it, errors somewhere among them, with a lock or without."""
    count = draw(st.integers(2, 5))
    line = [State(name=f"s{index}", marker=f".s{index}") for index in range(count)]
    errors = [
        State(name=f"e{i}", marker=f".e{i}", error=True) for i in range(draw(st.integers(1, 2)))
    ]
    lock = [State(name="locked", marker=".lock")] if draw(st.booleans()) else []
    places = [*lock, *line]
    chosen = draw(st.sets(st.integers(0, len(places) - 2)))
    stages = [
        Stage(
            name=f"w{index}",
            source=places[index].name,
            working=places[index].name if places[index] in lock else f"w{index}ing",
            ok=places[index + 1].name,
            exhausted=errors[0].name,
            refused=errors[-1].name,
        )
        for index in sorted(chosen)
    ]
    idle = State(name=IDLE, marker=None)
    states = [idle, *lock, *draw(st.permutations([*line, *errors]))]
    return Lifecycle(name="any", states=tuple(states), stages=tuple(stages))


@given(lifecycles(), st.data())
def test_p12_holds_for_any_lifecycle(lifecycle: Lifecycle, data: st.DataObject) -> None:
    """Total, lawful and idempotent whatever is declared."""
    marked = list(lifecycle.markers.values())
    names = [state.name for state in lifecycle.states]
    facts = Facts(
        present=data.draw(st.frozensets(st.sampled_from(marked))),
        lock=data.draw(st.booleans()),
        leased=data.draw(st.booleans()),
        payload=data.draw(st.booleans()),
        known=data.draw(st.sampled_from([None, *names])),
        pending=data.draw(st.sampled_from([None, *marked])),
        failed_from=data.draw(st.sampled_from([None, *names])),
        requested=data.draw(st.booleans()),
    )
    found = resolve(lifecycle, facts)
    assert found.state in names
    assert found.remove <= facts.present - {found.state}
    if not facts.leased and found.state in marked:
        left = facts._replace(
            present=frozenset({found.state}), lock=False, known=found.state, pending=None
        )
        assert resolve(lifecycle, left) == Resolution(state=found.state, how=How.SETTLED)
