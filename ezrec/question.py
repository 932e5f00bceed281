"""All that an explanation of one recording is made from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ezrec.statemachine.lifecycle import Lifecycle
from ezrec.statemachine.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that the answer is made from. `again` is how this root is named in a command; `lines` is the
    journal, oldest first; `copied`: there is one, and it came with a copy; `log` the last lines of the
    stage that failed last; `hold` what stands in `.hold`; `blockers` pids left by a dead run."""

    lifecycle: Lifecycle
    shot: Snapshot
    daemon: bool
    again: str = "ezrec"
    lines: Sequence[Mapping[str, Any]] = ()
    copied: bool = False
    log: Sequence[str] = ()
    hold: str = ""
    blockers: Sequence[int] = ()
