"""What the resolver may look at, and what it answers. Pure."""

from enum import Enum
from typing import NamedTuple


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


class Facts(NamedTuple):
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


class Resolution(NamedTuple):
    """What a directory's markers mean. `remove`: states whose markers have lost. `stale_lock`: a
    `.lock` that nobody holds and that has to go."""

    state: str
    how: How
    remove: frozenset[str] = frozenset()
    stale_lock: bool = False
