"""Everything that acting on a recording takes, passed in from one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ezrec.statemachine.minded import Minded
from ezrec.statemachine.view import Scene

if TYPE_CHECKING:
    from ezrec.statemachine.machine import LifecycleMachine
    from ezrec.statemachine.runner import Runner
    from ezrec.statemachine.tells import Tells


#: (recording's descriptor, its id) -> what the application adds to a hook's environment and document
Describe = Callable[[int, str], tuple[Mapping[str, str], Mapping[str, Any]]]

#: (stage, recording's descriptor) -> what is wrong with the stage's outputs, or ""
Verify = Callable[[str, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A recording changed its state: `recording` is its id, `origin` and `state` are names of states
    (working ones included), `reason` is a sentence or empty.

    `how`: `finished`, `failed`, `refused`, `salvaged` (a run ended), `push` (an operator), `find` (no
    journal knew it), `asked` (a lock), `mended`, `cleared` (a marker removed), `arrived`, `resumed`
    (a crash in between), `cancelled` (a push to idle, or a stop before there
    was anything to keep, ended a run).
    """

    recording: str
    origin: str
    state: str
    how: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World(Scene):
    """Everything that the engine is given: nothing in it is made behind its back.

    `chance` is uniform in [0, 1); `secrets` are given only to the stages that name them.
    """

    machine: LifecycleMachine
    chance: Callable[[], float]
    runner: Runner
    tells: Tells
    describe: Describe
    verify: Verify
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    on_change: Callable[[Changed], None]
    minded: Minded = field(default_factory=Minded)
