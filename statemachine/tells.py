"""The outbox of `on_<state>` hooks: written before a state is reached, removed when it has been told.

Small files in `<root>/.ezrec/tells/`: whatever dies in between, a state is told at least once, and a
start looks at what is in flight only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from ezrec.statemachine import files, names, parsing
from ezrec.statemachine.root import OWN, Root
from ezrec.statemachine.runs import new_run_id

#: so many tell at once: a burst of a thousand states is not a thousand processes
AT_ONCE = 8
_DIRECTORY = "tells"
_REASON = 500
_LIMIT = 1 << 14  # a reason's characters take up to twelve bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """That `recording` has reached `state`, coming from `origin`. `run` names the hook's run."""

    run: str
    recording: str
    state: str
    origin: str
    reason: str = ""


_SHAPE = dict.fromkeys(Tell.__dataclass_fields__, parsing.is_text)
_NEEDED = frozenset({"run", "recording", "state", "origin"})


class Tells:
    """The directory of what is still to be told. `open` are the runs that tell just now, `queue` those
    that wait until one of these has ended, or until anything can be started again."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self.open: set[str] = set()
        self.queue: dict[str, Tell] = {}

    def has_room(self) -> bool:
        """Whether one more may begin to tell."""
        return len(self.open) < AT_ONCE

    def add(self, recording: str, state: str, origin: str, reason: str) -> Tell:
        """Write down durably that this is to be told."""
        cut = reason[:_REASON]
        tell = Tell(run=new_run_id(), recording=recording, state=state, origin=origin, reason=cut)
        files.make_directory(self._root.fd, OWN)
        with files.directory(OWN, self._root.fd) as own:
            files.make_directory(own, _DIRECTORY)
        with self._opened() as fd:
            files.create(fd, tell.run, json.dumps(asdict(tell)).encode())
        return tell

    def remove(self, run: str) -> None:
        """It has been told, or it never came true."""
        self.open.discard(run)
        try:
            with self._opened() as fd:
                files.remove(fd, run)
        except FileNotFoundError:
            pass

    def waiting(self) -> list[Tell]:
        """What was still to be told when the last daemon ended. Raises OSError where it can't be read."""
        try:
            with self._opened() as fd:
                return [tell for name in files.names(fd) if (tell := _read(fd, name)) is not None]
        except FileNotFoundError:
            return []

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Level by level: neither of the two may be a link."""
        with files.directory(OWN, self._root.fd) as own, files.directory(_DIRECTORY, own) as fd:
            yield fd


def _read(fd: int, name: str) -> Tell | None:
    """None where it is no tell of ours: what it says names files and hooks."""
    try:
        record = parsing.parse(files.read(fd, name, _LIMIT))
    except (OSError, ValueError):
        return None
    told = parsing.shaped(record, _SHAPE, _NEEDED) if isinstance(record, dict) else None
    return Tell(**told) if told and told["run"] == name and names.is_run(name) else None
