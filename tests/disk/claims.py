"""What had been promised to the outside when the power failed, read off the trace in its own order. Pure.

A process has told something as soon as it goes on to anything but syncing: until then nobody but itself
can know of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ezrec.describe import DOCUMENT
from ezrec.lifecycle import RECORDING
from ezrec.statemachine import journal
from ezrec.statemachine.lifecycle import IDLE, LOCK
from tests.disk.model import ROOT, paths_of
from tests.disk.trace import Data, Entry, Step, Trace

_STATES = {**RECORDING.markers, LOCK: "recording"}
_ARCHIVED = ("merged", "completed")
_RUN = re.compile(r"\.run-[0-9a-f]+")
_ERRORS = {state.name for state in RECORDING.states if state.error}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What has to hold of one recording. `told`: its last state that was told, None: none was, and it may
    be gone. `allowed`: the states that it may come to rest in. `begun`, `ended`: the runs of which that
    is known. `footage`: the files that are safe, and the blob that each begins with. `documents`: what
    `recording.json` may be, once it has been told; old or new, but whole."""

    recording: str
    told: str | None
    allowed: frozenset[str]
    begun: frozenset[str]
    ended: frozenset[str]
    footage: tuple[tuple[str, str], ...]
    documents: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of a journal, the step that wrote it, and the first cut at which it has been told."""

    step: int
    told: int
    line: Mapping[str, object]


@dataclass
class Chronicle:
    """A trace, replayed in its order. `all_claims(cut)` is what was promised before that cut."""

    trace: Trace
    _names: dict[tuple[int, str], int] = field(default_factory=dict)
    _data: dict[int, str] = field(default_factory=dict)
    _synced: dict[int, str] = field(default_factory=dict)
    _at: int = 0

    @cached_property
    def recordings(self) -> dict[str, int]:
        """Every recording that there is at the end of the trace, with its directory."""
        end = "/logs/journal"
        places = [path.removesuffix(end) for path in self._paths if path.endswith(end)]
        return {place: self._paths[place] for place in places if place[0] != "."}

    @cached_property
    def _end(self) -> dict[tuple[int, str], int]:
        names: dict[tuple[int, str], int] = {}
        for step in self.trace.steps:
            _apply(names, step)
        return names

    @cached_property
    def _paths(self) -> dict[str, int]:
        return paths_of(self._end)

    @cached_property
    def _journals(self) -> dict[int, int]:
        return {
            self._paths[f"{place}/logs/journal"]: node for place, node in self.recordings.items()
        }

    @cached_property
    def lines(self) -> dict[int, list[_Line]]:
        """The lines of each recording's journal, by the recording's directory."""
        of_journal = self._journals
        found: dict[int, list[_Line]] = {node: [] for node in self.recordings.values()}
        for number, step in enumerate(self.trace.steps):
            for change in step.changes:
                if isinstance(change, Data) and change.node in of_journal:
                    written = found[of_journal[change.node]]
                    lines = journal.decode(self.trace.blobs[change.digest])
                    told = self.told_from(number)
                    written += [
                        _Line(step=number, told=told, line=x) for x in lines[len(written) :]
                    ]
        return found

    def told_from(self, number: int) -> int:
        """The first cut at which what this step did has been told."""
        steps, last = self.trace.steps, number
        for later in range(number + 1, len(steps) if steps[number].pid else 0):
            if steps[later].pid == steps[number].pid:
                if steps[later].call != "sync":
                    break
                last = later
        return last + 1

    def all_claims(self, cut: int) -> list[Claims]:
        """For cuts in ascending order."""
        for number in range(self._at, cut):
            self._replay(self.trace.steps[number])
        self._at = max(self._at, cut)
        return [self._claims(place, node, cut) for place, node in self.recordings.items()]

    def _replay(self, step: Step) -> None:
        if step.call == "sync" and step.role == "hook" and step.node in self._data:
            self._synced[step.node] = self._data[step.node]
        _apply(self._names, step)
        for change in step.changes:
            if isinstance(change, Data):
                self._data[change.node] = change.digest

    def _claims(self, place: str, node: int, cut: int) -> Claims:
        states = [one for one in self.lines[node] if one.line["kind"] in ("state", "push")]
        visible = self._visible_from(place)
        told = [one for one in states if max(one.told, visible) <= cut]
        return Claims(
            recording=place,
            told=str(told[-1].line["state"]) if told else None,
            allowed=self._allowed(node, cut, states, told),
            begun=frozenset(self._begun(node, cut)),
            ended=frozenset(self._ended(node, cut)),
            footage=tuple(sorted(self._footage(node, told).items())),
            documents=frozenset(self._documents(node, cut) if told else ()),
        )

    def _visible_from(self, place: str) -> int:
        """The first cut at which the recording's own name, and those above it, have been told."""
        directory, visible = ROOT, 0
        for part in place.split("/"):
            for number, step in enumerate(self.trace.steps):
                if any(
                    isinstance(c, Entry) and (c.directory, c.name) == (directory, part)
                    for c in step.changes
                ):
                    visible = max(visible, self.told_from(number))
            directory = self._end[directory, part]
        return visible

    def _allowed(
        self, node: int, cut: int, states: Sequence[_Line], told: Sequence[_Line]
    ) -> frozenset[str]:
        since = told[-1].step if told else 0
        found = {str(one.line["state"]) for one in told[-1:]} or {IDLE}
        gestures = set(self._gestures(node, since, cut))
        for following in states[len(told) : len(told) + 1]:
            if following.step < cut or gestures or not told or self._has_ended(since, cut):
                found.add(str(following.line["state"]))
        if "recording" in found:
            found.add("recorded")  # the footage is there, the camera is not
        found |= {
            str(one.line["to"])
            for one in self.lines[node]
            if since < one.step < cut and one.line.get("to")
        }
        shown = {_STATES[name] for (at, name) in self._names if at == node and name in _STATES}
        if not shown and found & _ERRORS:
            found.add("recorded")  # cleared by a command that was cut off: as if by hand
        return frozenset(found | shown | gestures)

    def _has_ended(self, since: int, cut: int) -> bool:
        """Whether a supervisor has left an end that is still to be taken up."""
        return any(
            isinstance(change, Entry) and change.node and _RUN.fullmatch(change.name)
            for step in self.trace.steps[since:cut]
            for change in step.changes
        )

    def _gestures(self, node: int, since: int, cut: int) -> Iterator[str]:
        """Where an operator's hands have put it since: they sync nothing."""
        for step in self.trace.steps[since:cut]:
            for change in step.changes:
                hands = step.role == "foreign" or step.call in ("open", "write", "write_at", "sync")
                if not hands or not isinstance(change, Entry) or change.directory != node:
                    continue
                if change.name in _STATES:
                    yield IDLE if change.node is None else _STATES[change.name]

    def _begun(self, node: int, cut: int) -> Iterator[str]:
        """The runs from before, and those whose own supervisors have done anything: others may be at
        work at the same time."""
        for one in self.lines[node]:
            if one.line["kind"] == "attempt":
                run = str(one.line["run"])
                if one.step == 0 or self._is_supervised(run, one.step, cut):
                    yield run

    def _is_supervised(self, run: str, since: int, cut: int) -> bool:
        supervisor = self._supervisors.get(run)  # None: its run was over before the trace
        return any(step.pid == supervisor for step in self.trace.steps[since:cut])

    @cached_property
    def _supervisors(self) -> dict[str, int]:
        """Who supervises which run: the process that makes the run's report."""
        return {
            change.name.removeprefix(".run-").removesuffix(".partial"): step.pid
            for step in self.trace.steps
            for change in step.changes
            if isinstance(change, Entry) and change.node and change.name.startswith(".run-")
        }

    def _ended(self, node: int, cut: int) -> Iterator[str]:
        """The runs whose supervisors have reported their end and gone on."""
        mine = {str(one.line["run"]) for one in self.lines[node] if one.line["kind"] == "attempt"}
        for number, step in enumerate(self.trace.steps[:cut]):
            for change in step.changes:
                if isinstance(change, Entry) and change.node is not None:
                    run = change.name.removeprefix(".run-")
                    if run in mine and self.told_from(number) <= cut:
                        yield run

    def _footage(self, node: int, told: Sequence[_Line]) -> dict[str, str]:
        """What ezrec's cameras have synced; all of it, once ezrec has said that it is good."""
        here = {
            name: child
            for (directory, name), child in self._names.items()
            if directory == node and name.startswith("camera") and name.endswith(".mp4")
        }
        said = [str(one.line["state"]) for one in told]
        whole = bool(said) and (said[-1] in _ARCHIVED or said[-2:] == ["recording", "recorded"])
        return {
            name: self._data[child] if whole else self._synced[child]
            for name, child in here.items()
            if whole or child in self._synced
        }

    def _documents(self, node: int, cut: int) -> Iterator[str]:
        """Every version that bore the name, as soon as the first one is told."""
        data: dict[int, str] = {}
        known = False
        for number, step in enumerate(self.trace.steps[:cut]):
            data |= {c.node: c.digest for c in step.changes if isinstance(c, Data)}
            for change in step.changes:
                named = isinstance(change, Entry) and (change.directory, change.name) == (
                    node,
                    DOCUMENT,
                )
                if named and change.node in data:
                    known = known or self.told_from(number) <= cut
                    if known:
                        yield data[change.node]

    def tells(self, cut: int) -> frozenset[str]:
        """The names in the outbox that were written before and are not taken out yet. After `all_claims`."""
        paths = paths_of(self._names)
        written = {path for path in paths if path.startswith(".ezrec/tells/")}
        fresh = {
            f".ezrec/tells/{change.name}"
            for number, step in enumerate(self.trace.steps[:cut])
            for change in step.changes
            if isinstance(change, Entry) and self.told_from(number) > cut
        }
        return frozenset(written - fresh)


def _apply(names: dict[tuple[int, str], int], step: Step) -> None:
    for change in step.changes:
        if isinstance(change, Entry):
            if change.node is None:
                names.pop((change.directory, change.name), None)
            else:
                names[change.directory, change.name] = change.node
