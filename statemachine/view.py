"""Reading one recording: everything a decision needs, from the disk, without changing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ezrec.statemachine import runs
from ezrec.statemachine.clock import Clock
from ezrec.statemachine.decide import View
from ezrec.statemachine.history import History, history_of
from ezrec.statemachine.hooks import HookPath
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.lifecycle import IDLE, Lifecycle
from ezrec.statemachine.lines import Line
from ezrec.statemachine.markers import Facts, Resolution, resolve
from ezrec.statemachine.place import Place, Sighting
from ezrec.statemachine.root import Root

#: how often markers that move while they are looked at are looked at anew
_MOVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What it takes to read recordings and to decide about them; nothing here can change one.

    `setup` is a fingerprint of the configuration that the hooks depend on.
    """

    root: Root
    lifecycle: Lifecycle
    clock: Clock
    hooks: HookPath
    setup: str = ""


class Case(NamedTuple):
    """One recording, opened and looked at. While `leased` is False its lease is ours."""

    id: str
    place: Place
    journal: Journal
    sighting: Sighting
    history: History
    resolution: Resolution
    leased: bool

    @property
    def state(self) -> str:
        """The state that the disk means, before anything is tidied."""
        return self.resolution.state

    @property
    def known(self) -> str:
        """The state that the journal has."""
        return self.history.known or IDLE


def look(scene: Scene, recording: str, place: Place, leased: bool) -> Case:
    """Read the directory and its journal, and resolve what they mean. Raises OSError."""
    return case_of(scene, recording, place, Journal(place.fd, scene.root.id, scene.clock), leased)


def case_of(scene: Scene, recording: str, place: Place, journal: Journal, leased: bool) -> Case:
    """`look`, with the journal that is to be read and written. Raises OSError."""
    sighting, lines = _seen(place, journal, leased)
    history = history_of(lines)
    resolution = resolve(scene.lifecycle, facts_of(scene.lifecycle, sighting, history, leased))
    return Case(
        id=recording,
        place=place,
        journal=journal,
        sighting=sighting,
        history=history,
        resolution=resolution,
        leased=leased,
    )


def _seen(place: Place, journal: Journal, leased: bool) -> tuple[Sighting, Sequence[Line]]:
    """What stands there, and what is journaled, of one moment. Whoever holds the lease may be carrying the
    recording on just now: the markers have to stand as they did when the journal has been read, else work
    that is done would be taken for an operator's push."""
    sighting, lines = place.look(), journal.read()
    for _ in range(_MOVES if leased else 0):
        again = place.look()
        if (again.present, again.lock) == (sighting.present, sighting.lock):
            break
        sighting, lines = again, journal.read()
    return sighting, lines


def facts_of(lifecycle: Lifecycle, sighting: Sighting, history: History, leased: bool) -> Facts:
    """What the resolver may look at. Pure."""
    declared = {state.name for state in lifecycle.states}
    undeclared = history.marker is not None and lifecycle.by_marker(history.marker) is None
    return Facts(
        present=sighting.present,
        lock=sighting.lock,
        leased=leased,
        payload=sighting.payload,
        known=history.known,
        pending=pending_of(lifecycle, history),
        failed_from=history.failed_from if history.failed_from in declared else None,
        undeclared=undeclared and history.marker in sighting.names,
        requested=history.requested,
        supported=_supported(lifecycle, sighting),
    )


def pending_of(lifecycle: Lifecycle, history: History) -> str | None:
    """The decision that is still to be carried out. None too where it can't follow upon what is known:
    the lines of the journal are not in their order, or not all there, and the markers are believed."""
    return history.pending if _leads_on(lifecycle, history) else None


def _leads_on(lifecycle: Lifecycle, history: History) -> bool:
    known = history.known or IDLE
    if all(state.name != known for state in lifecycle.states):
        return any(state.name == history.pending for state in lifecycle.states)
    stage = lifecycle.stage_from(known)
    sources = {known, stage.working if stage else known}
    return any(
        edge.target == history.pending and edge.source in sources and _is_decided(edge.trigger)
        for edge in lifecycle.transitions
    )


def _is_decided(trigger: str) -> bool:
    """Whether the end of a run is what takes this edge: nothing else is journaled before it is done."""
    return trigger == "salvage" or trigger.startswith(("finish_", "exhaust_", "refuse_"))


def _supported(lifecycle: Lifecycle, sighting: Sighting) -> str | None:
    """Where the first stage leads whose outputs are all there."""
    stages = (s for s in lifecycle.stages if s.outputs and sighting.names.issuperset(s.outputs))
    return next((stage.ok for stage in stages), None)


def view_of(scene: Scene, case: Case, quiet: bool) -> View:
    """The case with the clock, the run's end and the state of the set-up added."""
    stage = None if case.leased else scene.lifecycle.stage_from(case.state)
    run, pause = case.history.run, case.history.pause
    parked = stage is not None and pause is not None and pause.result == "parked"
    return View(
        lifecycle=scene.lifecycle,
        sighting=case.sighting,
        history=case.history,
        resolution=case.resolution,
        leased=case.leased,
        quiet=quiet,
        result=runs.read_result(case.place.fd, run.id) if run else None,
        boot=scene.clock.boot(),
        seconds=scene.clock.seconds(),
        setup=scene.hooks.fingerprint(stage.name) + scene.setup if stage and parked else "",
        setup_problem=scene.hooks.problem(stage.name) if stage else "",
    )
