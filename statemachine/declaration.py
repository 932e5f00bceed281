"""What a lifecycle is declared with: states, stages, and the edges between them. Pure."""

from datetime import timedelta
from typing import NamedTuple

IDLE = "idle"
UNKNOWN = "unknown"
HOLD = ".hold"
LOCK = ".lock"


class State(NamedTuple):
    """A settled state. The order of the states in a lifecycle is how far advanced they are.

    `marker` is the file that is this state; None is the state of a directory without one.
    """

    name: str
    marker: str | None
    error: bool = False
    summary: str = ""


class Stage(NamedTuple):
    """Work that a state calls for, done by a hook.

    It leads from `source` over `working` to `ok`, to `exhausted` when its attempts are used up, or to
    `refused` when the hook says that no retry can help. `attempts` None: again for ever. `backoff` is
    the first wait after a failure, doubled each time. `limit` is how many run at once; lower
    `priority` goes first. `urgent` stages make the others run at idle priority. `outputs` are the
    names that must be there when the hook has said 0.
    """

    name: str
    source: str
    working: str
    ok: str
    exhausted: str
    refused: str
    outputs: tuple[str, ...] = ()
    attempts: int | None = 3
    timeout: timedelta = timedelta(hours=1)
    grace: timedelta = timedelta(seconds=10)
    backoff: timedelta = timedelta(seconds=1)
    limit: int = 1
    priority: int = 1
    urgent: bool = False
    secrets: tuple[str, ...] = ()


class Transition(NamedTuple):
    """One edge of the machine: `trigger` leads from `source` to `target`."""

    trigger: str
    source: str
    target: str
