"""What a site says about stages, and whether the stages it adds make sense. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ezrec.config.model import StageSettings
from ezrec.config.nodes import Given
from ezrec.config.problem import Problem, guess, quoted
from ezrec.config.values import shaped

BUILT_IN = ("capture", "merge", "upload")
STATES = (
    *("idle", "recording", "recorded", "merging", "merged", "uploading", "completed"),
    *("merge_failed", "failed", "unknown"),
)
#: A state's marker is `.` + its name: these would be markers or files that mean something else.
MARKERS = ("lock", "done", "merged", "merge_error", "completed", "error", "hold", "env")
#: The built-in states that a stage may lead out of: settled, and no operator is waited for.
SETTLED = ("recorded", "merged", "completed")

#: A stage's settings by field: where each was given and what it means, None where it has a fault.
#: Under "": where the file names the stage.
Said = Mapping[str, tuple[Given, Any]]

_stage_name = shaped(
    r"(?!on_)[a-z][a-z0-9_]{0,31}",
    "a stage's name has at most 32 small letters, digits and _, a letter first, no on_",
)


def build_stages(stages: Mapping[str, Said], problems: list[Problem]) -> dict[str, StageSettings]:
    for name, said in stages.items():
        _check_place(name, said, problems)
    own = {name: said for name, said in stages.items() if name not in BUILT_IN}
    new = _check_new_states(own, problems)
    _check_after(own, new, problems)
    _check_rings(own, problems)
    return {name: _settings(said) for name, said in stages.items()}


def _settings(said: Said) -> StageSettings:
    return StageSettings(**{field: value for field, (_, value) in said.items() if field})


def _check_place(name: str, said: Said, problems: list[Problem]) -> None:
    """Built-in stages have their place; a stage of the site's own must be given one."""
    places = [said[field][0] for field in ("after", "to") if field in said]
    where = next(iter(said.values()))[0]
    if name in BUILT_IN:
        sentence = f"{name} is a stage of ezrec's own, its place is fixed"
        problems.extend(given.problem(sentence) for given in places)
        return
    try:
        _stage_name(name)
    except ValueError as error:
        problems.append(where.problem(str(error)))
    if len(places) < 2:
        near = guess(name, BUILT_IN)
        problems.append(where.problem(f"a stage of your own needs both after and to{near}"))


def _told(own: Mapping[str, Said], field: str) -> list[tuple[str, Given, str]]:
    """(stage, where, state) for each stage that says `field` without a fault."""
    return [(name, *said[field]) for name, said in own.items() if field in said and said[field][1]]


def _check_new_states(own: Mapping[str, Said], problems: list[Problem]) -> dict[str, str]:
    """Each `to` must be a new state. The stages by their new state."""
    new: dict[str, str] = {}
    for name, given, state in _told(own, "to"):
        if state in STATES:
            problems.append(given.problem(f"{quoted(state)} is a state of ezrec's own"))
        elif state in MARKERS:
            problems.append(given.problem(f"the marker .{state} has a meaning already"))
        elif state in new:
            problems.append(given.problem(f"the stage {new[state]} leads there already"))
        new.setdefault(state, name)
    return new


def _check_after(own: Mapping[str, Said], new: Mapping[str, str], problems: list[Problem]) -> None:
    """Each `after` must be a state that is there, and each state leads to one own stage."""
    known = (*SETTLED, *(state for state in new if state not in STATES))
    taken: dict[str, str] = {}
    for name, given, state in _told(own, "after"):
        if state not in known:
            sentence = f"{quoted(state)} is not one of {', '.join(known)}{guess(state, known)}"
            problems.append(given.problem(sentence))
        elif state in taken:
            sentence = f"the stage {taken[state]} comes after {quoted(state)} already"
            problems.append(given.problem(sentence))
        taken.setdefault(state, name)


def _check_rings(own: Mapping[str, Said], problems: list[Problem]) -> None:
    """Following `after` backwards must end at a state of ezrec's own."""
    after = {name: state for name, _, state in _told(own, "after")}
    before = {state: after.get(name, "") for name, _, state in _told(own, "to")}
    for name, given, state in _told(own, "after"):
        seen: set[str] = set()
        while state in before and state not in SETTLED and state not in seen:
            seen.add(state)
            state = before[state]
        if state in seen:
            problems.append(given.problem(f"a ring of stages: nothing ever leads to {name}"))
