"""The resolver: from the markers that stand in a directory to the one state it is in. Pure and total."""

from __future__ import annotations

from ezrec.statemachine.facts import Facts, How, Resolution
from ezrec.statemachine.lifecycle import Lifecycle
from ezrec.statemachine.meaning import is_lock_state, least, mended_state, newcomers
from ezrec.statemachine.rules import RULES, Rule

__all__ = [
    "RULES",
    "Facts",
    "How",
    "Resolution",
    "Rule",
    "least",
    "mended_state",
    "newcomers",
    "resolve",
    "rule_for",
]


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
    return is_lock_state(lifecycle, state) or how in (How.SALVAGED, How.UNKNOWN)
