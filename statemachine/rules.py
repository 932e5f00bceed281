"""The resolver's rules: an ordered table, of which the first that applies decides. Pure.

The documentation prints this table.
"""

from collections.abc import Callable
from typing import NamedTuple

from ezrec.statemachine.facts import Facts, How
from ezrec.statemachine.lifecycle import IDLE, UNKNOWN, Lifecycle
from ezrec.statemachine.meaning import (
    after_lock,
    is_error,
    is_lock_state,
    known_state,
    lock_name,
    locks,
    mended_state,
    newcomers,
    newest,
    pending_state,
    present_state,
    work_stands,
)


class Rule(NamedTuple):
    """One line of the table: in words, when it applies, and which state it yields."""

    name: str
    words: str
    applies: Callable[[Lifecycle, Facts], bool]
    state: Callable[[Lifecycle, Facts], str]
    how: How


RULES: tuple[Rule, ...] = (
    Rule(
        "leased-push",
        "work runs, and a marker stands there that is not ours: a push; the work is ended first",
        lambda _, f: f.leased and f.known is not None and bool(newcomers(f)),
        newest,
        How.PUSHED,
    ),
    Rule(
        "leased-unjournaled",
        "work runs, and there is no journal: as the markers say",
        lambda _, f: f.leased and f.known is None and bool(f.present),
        present_state,
        How.SETTLED,
    ),
    Rule(
        "leased",
        "work runs, and the marker it started from stands there: nothing to resolve",
        lambda lc, f: f.leased and work_stands(lc, f),
        known_state,
        How.SETTLED,
    ),
    Rule(
        "leased-removed",
        "work runs, and its marker was removed: it is put back",
        lambda _, f: f.leased,
        known_state,
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
        newest,
        How.FOUND,
    ),
    Rule(
        "push",
        "a marker that is not ours, beside ours or instead of it: a push; of several, as above",
        lambda _, f: bool(newcomers(f)),
        newest,
        How.PUSHED,
    ),
    Rule(
        "tied",
        "both the last and the pending marker, a crash in the middle: as above",
        lambda _, f: len(f.present) > 1,
        present_state,
        How.TIED,
    ),
    Rule(
        "arrived",
        "only the pending marker: the rename was done, the state is journaled now",
        lambda _, f: f.pending is not None and f.present == {f.pending} and f.pending != f.known,
        pending_state,
        How.ARRIVED,
    ),
    Rule(
        "resume",
        "only the last marker, and a decision is pending: the rename is done now",
        lambda _, f: f.pending is not None and bool(f.present),
        pending_state,
        How.RESUMED,
    ),
    Rule(
        "settled",
        "only the marker that the journal names",
        lambda _, f: bool(f.present),
        known_state,
        How.SETTLED,
    ),
    Rule(
        "resume-lock",
        "`.lock` alone, where the journal has it, and a decision is pending: the rename is done now",
        lambda lc, f: f.lock and f.pending is not None and is_lock_state(lc, f.known),
        pending_state,
        How.RESUMED,
    ),
    Rule(
        "requested",
        "`.lock` alone, and an operator asked for another take: it is still to be done",
        lambda lc, f: f.lock and f.requested and is_lock_state(lc, f.known),
        known_state,
        How.SETTLED,
    ),
    Rule(
        "salvage",
        "`.lock` alone, its lease free, with payload: the payload is good",
        lambda lc, f: f.lock and f.payload and locks(lc),
        after_lock,
        How.SALVAGED,
    ),
    Rule(
        "locked",
        "`.lock` alone, without payload, where the journal has it: the work is still to be done",
        lambda lc, f: f.lock and is_lock_state(lc, f.known),
        known_state,
        How.SETTLED,
    ),
    Rule(
        "ask",
        "`.lock` alone, without payload: it asks for the work",
        lambda lc, f: f.lock and locks(lc),
        lock_name,
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
        lambda lc, f: is_error(lc, f.pending) or (f.pending is None and is_error(lc, f.known)),
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
