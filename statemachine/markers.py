"""The resolver: from the markers that stand in a directory to the one state it is in. Pure and total.

The rules are an ordered table; the first that applies decides. The documentation prints this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ezrec.statemachine.lifecycle import IDLE, UNKNOWN, Lifecycle


class How(Enum):
    """How a state was arrived at, and so what there is to tidy."""

    SETTLED = "settled"  #: the journal and the disk agree
    FOUND = "found"  #: no journal of ours: what stands there is taken as it is
    PUSHED = "pushed"  #: somebody dropped a marker
    TIED = "tied"  #: two markers of ours: a crash in the middle
    ARRIVED = "arrived"  #: the rename was done, its journal line was not
    RESUMED = "resumed"  #: the decision was journaled, the rename was not done
    SALVAGED = "salvaged"  #: a lock that nobody holds, with payload beside it
    ASKED = "asked"  #: a lock in a directory without payload asks for work
    MENDED = "mended"  #: the error marker was removed: try again
    CLEARED = "cleared"  #: the only marker was removed
    PUT_BACK = "put back"  #: the marker was removed while work is being done
    UNKNOWN = "unknown"  #: a marker that this lifecycle does not declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the resolver may look at.

    `present`: the states whose markers stand there (never the lock's). `known`: the state of the
    journal's last line, None without a journal of this very directory. `pending`: where a journaled
    decision leads whose rename is not journaled. `failed_from`: the state before the known error.
    `undeclared`: the journal's last marker stands there, and this lifecycle does not declare it.
    `requested`: the journal says that work was asked for beside what is there, and none was begun yet.
    `supported`: the state that the outputs in the directory speak for.
    """

    present: frozenset[str] = frozenset()
    lock: bool = False
    leased: bool = False
    payload: bool = False
    known: str | None = None
    pending: str | None = None
    failed_from: str | None = None
    undeclared: bool = False
    requested: bool = False
    supported: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a directory's markers mean. `remove`: states whose markers have lost. `stale_lock`: a
    `.lock` that nobody holds and that has to go."""

    state: str
    how: How
    remove: frozenset[str] = frozenset()
    stale_lock: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: in words, when it applies, and which state it yields."""

    name: str
    words: str
    applies: Callable[[Lifecycle, Facts], bool]
    state: Callable[[Lifecycle, Facts], str]
    how: How


def newcomers(facts: Facts) -> frozenset[str]:
    """The states present that are not ours: neither the journal's last nor the pending one."""
    return facts.present - {facts.known, facts.pending}


def least(lifecycle: Lifecycle, states: frozenset[str]) -> str:
    """The one that wins: errors before progress (the last declared first), then the least advanced."""
    order = {state.name: index for index, state in enumerate(lifecycle.states)}
    errors = [name for name in states if lifecycle.state(name).error]
    return max(errors, key=order.__getitem__) if errors else min(states, key=order.__getitem__)


def _is_lock_state(lifecycle: Lifecycle, name: str | None) -> bool:
    lock = lifecycle.lock_state
    return lock is not None and lock.name == name


def _locks(lifecycle: Lifecycle) -> bool:
    lock = lifecycle.lock_state
    return lock is not None and lifecycle.stage_from(lock.name) is not None


def _lock_name(lifecycle: Lifecycle, _facts: Facts) -> str:
    lock = lifecycle.lock_state
    return lock.name if lock else IDLE


def _after_lock(lifecycle: Lifecycle, facts: Facts) -> str:
    stage = lifecycle.stage_from(_lock_name(lifecycle, facts))
    return stage.ok if stage else IDLE


def _known(lifecycle: Lifecycle, facts: Facts) -> str:
    name = facts.known or IDLE
    return name if _is_declared(lifecycle, name) else UNKNOWN


def _is_declared(lifecycle: Lifecycle, name: str) -> bool:
    return any(state.name == name for state in lifecycle.states)


def _pending(_lifecycle: Lifecycle, facts: Facts) -> str:
    return facts.pending or IDLE


def _newest(lifecycle: Lifecycle, facts: Facts) -> str:
    return least(lifecycle, newcomers(facts))


def _present(lifecycle: Lifecycle, facts: Facts) -> str:
    return least(lifecycle, facts.present)


def _is_error(lifecycle: Lifecycle, name: str | None) -> bool:
    return name is not None and any(s.error and s.name == name for s in lifecycle.states)


def mended_state(lifecycle: Lifecycle, facts: Facts) -> str:
    """Where a recording goes when its error is lifted: back to where it failed from; where the
    lock's own stage failed, or no journal knows, to what payload and outputs support."""
    failing = _is_error(lifecycle, facts.pending) and not _is_error(lifecycle, facts.known)
    origin = facts.known if failing else facts.failed_from
    if origin is not None and not _is_declared(lifecycle, origin):
        origin = None
    if origin is not None and not _is_lock_state(lifecycle, origin):
        return origin
    if origin is None and not facts.payload:
        return facts.supported or IDLE
    return _after_lock(lifecycle, facts) if facts.payload else IDLE


def _work_stands(lifecycle: Lifecycle, facts: Facts) -> bool:
    if _is_lock_state(lifecycle, facts.known):
        return facts.lock
    if not _is_declared(lifecycle, facts.known or IDLE):
        return True
    return bool(facts.present) or facts.known in (None, IDLE)


RULES: tuple[Rule, ...] = (
    Rule(
        "leased-push",
        "work runs, and a marker stands there that is not ours: a push; the work is ended first",
        lambda _, f: f.leased and f.known is not None and bool(newcomers(f)),
        _newest,
        How.PUSHED,
    ),
    Rule(
        "leased-unjournaled",
        "work runs, and there is no journal: as the markers say",
        lambda _, f: f.leased and f.known is None and bool(f.present),
        _present,
        How.SETTLED,
    ),
    Rule(
        "leased",
        "work runs, and the marker it started from stands there: nothing to resolve",
        lambda lc, f: f.leased and _work_stands(lc, f),
        _known,
        How.SETTLED,
    ),
    Rule(
        "leased-removed",
        "work runs, and its marker was removed: it is put back",
        lambda _, f: f.leased,
        _known,
        How.PUT_BACK,
    ),
    Rule(
        "undeclared",
        "the journal's last marker stands there, this lifecycle does not declare it, no other does",
        lambda _, f: f.undeclared and not f.present,
        lambda _lc, _f: UNKNOWN,
        How.UNKNOWN,
    ),
    Rule(
        "found",
        "markers and no journal: taken as they stand; errors before progress, then the least advanced",
        lambda _, f: f.known is None and bool(newcomers(f)),
        _newest,
        How.FOUND,
    ),
    Rule(
        "push",
        "a marker that is not ours, beside ours or instead of it: a push; of several, as above",
        lambda _, f: bool(newcomers(f)),
        _newest,
        How.PUSHED,
    ),
    Rule(
        "tied",
        "both the last and the pending marker, a crash in the middle: as above",
        lambda _, f: len(f.present) > 1,
        _present,
        How.TIED,
    ),
    Rule(
        "arrived",
        "only the pending marker: the rename was done, the state is journaled now",
        lambda _, f: f.pending is not None and f.present == {f.pending} and f.pending != f.known,
        _pending,
        How.ARRIVED,
    ),
    Rule(
        "resume",
        "only the last marker, and a decision is pending: the rename is done now",
        lambda _, f: f.pending is not None and bool(f.present),
        _pending,
        How.RESUMED,
    ),
    Rule(
        "settled",
        "only the marker that the journal names",
        lambda _, f: bool(f.present),
        _known,
        How.SETTLED,
    ),
    Rule(
        "resume-lock",
        "`.lock` alone, where the journal has it, and a decision is pending: the rename is done now",
        lambda lc, f: f.lock and f.pending is not None and _is_lock_state(lc, f.known),
        _pending,
        How.RESUMED,
    ),
    Rule(
        "requested",
        "`.lock` alone, and an operator asked for another take: it is still to be done",
        lambda lc, f: f.lock and f.requested and _is_lock_state(lc, f.known),
        _known,
        How.SETTLED,
    ),
    Rule(
        "salvage",
        "`.lock` alone, its lease free, with payload: the payload is good",
        lambda lc, f: f.lock and f.payload and _locks(lc),
        _after_lock,
        How.SALVAGED,
    ),
    Rule(
        "locked",
        "`.lock` alone, without payload, where the journal has it: the work is still to be done",
        lambda lc, f: f.lock and _is_lock_state(lc, f.known),
        _known,
        How.SETTLED,
    ),
    Rule(
        "ask",
        "`.lock` alone, without payload: it asks for the work",
        lambda lc, f: f.lock and _locks(lc),
        _lock_name,
        How.ASKED,
    ),
    Rule(
        "idle",
        "no marker, and the journal has none: somebody is filling the directory",
        lambda _, f: f.known in (None, IDLE) and f.pending in (None, IDLE),
        lambda _lc, _f: IDLE,
        How.SETTLED,
    ),
    Rule(
        "mended",
        "the error marker was removed: back to the state it failed from, and try again",
        lambda lc, f: _is_error(lc, f.pending) or (f.pending is None and _is_error(lc, f.known)),
        mended_state,
        How.MENDED,
    ),
    Rule(
        "cleared",
        "any other marker was removed: idle, left alone",
        lambda _lc, _f: True,
        lambda _lc, _f: IDLE,
        How.CLEARED,
    ),
)


def rule_for(lifecycle: Lifecycle, facts: Facts) -> Rule:
    """The first rule that applies; the last one always does."""
    return next(rule for rule in RULES if rule.applies(lifecycle, facts))


def resolve(lifecycle: Lifecycle, facts: Facts) -> Resolution:
    """The state that these facts mean, and what has to be tidied to make the disk say so."""
    rule = rule_for(lifecycle, facts)
    state = rule.state(lifecycle, facts)
    if rule.how is How.RESUMED:
        return Resolution(state=state, how=rule.how)
    own = {state} if rule.how is not How.UNKNOWN else set()
    stale = facts.lock and not facts.leased and not _keeps_lock(lifecycle, state, rule.how)
    removed = frozenset() if facts.leased else facts.present - own
    return Resolution(state=state, how=rule.how, remove=removed, stale_lock=stale)


def _keeps_lock(lifecycle: Lifecycle, state: str, how: How) -> bool:
    return _is_lock_state(lifecycle, state) or how in (How.SALVAGED, How.UNKNOWN)
