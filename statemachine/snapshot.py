"""What there is to say of a recording, read without a lease, without a daemon and without a trace."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ezrec.statemachine import decide, files, journal, runs
from ezrec.statemachine.decide import Decision
from ezrec.statemachine.errors import NoSuchRecording, StateMachineError
from ezrec.statemachine.history import History
from ezrec.statemachine.lifecycle import HOLD, IDLE, LOCK, Lifecycle
from ezrec.statemachine.names import quote
from ezrec.statemachine.nested import TOO_DEEP, mend_nested, nested
from ezrec.statemachine.place import Place
from ezrec.statemachine.root import Root
from ezrec.statemachine.runs import Progress
from ezrec.statemachine.scan import Refusal, scan
from ezrec.statemachine.view import Case, Scene, look, view_of

#: what stands in the place of something that ezrec makes as a plain file or a directory
_NOT_OURS = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EINVAL, errno.ENXIO, errno.EISDIR})
_JOURNALS = {
    journal.DIRECTORY: journal.DIRECTORY,
    journal.NAME: f"{journal.DIRECTORY}/{journal.NAME}",
}


class Snapshot(NamedTuple):
    """One recording. `state` is the working state while work is done in it. `decision` is what the
    engine would do now; `problem` and `mend` are set where it can't be taken at all. `case` is None
    for what is finished (nothing but the listing was read) or could not be read."""

    id: str
    path: Path
    state: str
    held: bool = False
    leased: bool = False
    markers: tuple[str, ...] = ()
    decision: Decision | None = None
    progress: Progress | None = None
    history: History | None = None
    case: Case | None = None
    problem: str = ""
    mend: str = ""


class Finished(NamedTuple):
    """A recording that nothing more happens to, as its mere listing has it."""

    id: str
    state: str
    marker: str
    held: bool

    def snapshot(self, scene: Scene) -> Snapshot:
        """The same, among the others."""
        path = scene.root.path / self.id
        markers = (self.marker, HOLD) if self.held else (self.marker,)
        return Snapshot(id=self.id, path=path, state=self.state, markers=markers, held=self.held)


def snapshots(scene: Scene) -> Iterator[Snapshot]:
    """Every recording of the root, and every directory that can't be one."""
    for each in census(scene):
        yield each.snapshot(scene) if isinstance(each, Finished) else each


def census(scene: Scene) -> Iterator[Snapshot | Finished]:
    """`snapshots`, with little made of the finished ones: there may be a hundred thousand."""
    telling = _Telling(scene.lifecycle)
    for found in scan(scene.root, tokens=False):
        if isinstance(found, Refusal):
            yield refused(scene, found)
            continue
        try:
            yield _finished(scene.root, found.id, telling) or snapshot(scene, found.id)
        except NoSuchRecording:
            continue


class _Telling:
    """What a listing has to show of a recording that nothing more happens to: one final marker, no lock.
    Pure."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        known = lifecycle.markers
        self._special = frozenset({LOCK, *known})
        self._finals = {
            marker: state
            for marker, state in known.items()
            if lifecycle.is_final(state) and not lifecycle.state(state).error
        }

    def __call__(self, recording: str, names: list[str]) -> Finished | None:
        standing = self._special.intersection(names)
        marker = next(iter(standing)) if len(standing) == 1 else ""
        state = self._finals.get(marker)
        return None if state is None else Finished(recording, state, marker, HOLD in names)


def _finished(root: Root, recording: str, telling: _Telling) -> Finished | None:
    """None also where it can't be listed: a closer look says why."""
    try:
        return telling(recording, root.names_in(recording))
    except (StateMachineError, OSError):
        return None


def refused(scene: Scene, refusal: Refusal) -> Snapshot:
    """A directory whose very name can't be taken."""
    path = Path(refusal.path)
    name = str(path.relative_to(scene.root.path))
    return Snapshot(id=name, path=path, state="", problem=refusal.problem, mend=refusal.mend)


def snapshot(scene: Scene, recording: str, *, whole: bool = False) -> Snapshot:
    """One recording; `whole` reads the journal of finished ones too. Raises NoSuchRecording."""
    try:
        place = Place(scene.root.open(recording), scene.lifecycle)
    except NoSuchRecording:
        raise
    except (StateMachineError, OSError) as error:
        return _unreadable(scene, recording, error)
    try:
        names = [] if whole else files.names(place.fd)
        finished = _Telling(scene.lifecycle)(recording, names)
        return finished.snapshot(scene) if finished else _read(scene, recording, place)
    except OSError as error:
        return _unreadable(scene, recording, error)
    finally:
        place.close()


def _unreadable(scene: Scene, recording: str, error: StateMachineError | OSError) -> Snapshot:
    path = scene.root.path / recording
    mend = f'sudo chown -R "$(id -un)": {quote(str(path))}'
    problem = str(error)
    if isinstance(error, StateMachineError):
        problem, mend = error.message, error.hint or mend
    elif error.errno in _NOT_OURS and error.filename in _JOURNALS:
        there = path / _JOURNALS[error.filename]
        problem = f"its {_JOURNALS[error.filename]} is not what ezrec makes (a link, a FIFO, …)"
        mend = f"mv -nT -- {quote(str(there))} {quote(str(there))}.bad"
    return Snapshot(id=recording, path=path, state="", problem=problem, mend=mend)


def _read(scene: Scene, recording: str, place: Place) -> Snapshot:
    case = look(scene, recording, place, leased=False)
    if (case.sighting.lock or case.history.run is not None) and _is_leased(place):
        held = look(scene, recording, place, leased=True)
        case = held if held.history.run is not None else case  # else somebody only looks at it
    decision = decide.decide(view_of(scene, case, quiet=False))
    progress = runs.read_progress(place.fd) if case.leased else None
    problem, mend = _trouble(scene, case, decision)
    return Snapshot(
        id=recording,
        path=scene.root.path / recording,
        state=_shown_state(scene, case, decision),
        held=case.sighting.hold,
        leased=case.leased,
        markers=_markers(scene, case),
        decision=decision,
        progress=progress,
        history=case.history,
        case=case,
        problem=problem,
        mend=mend,
    )


def _is_leased(place: Place) -> bool:
    """A shared lock is asked for a moment; only where a lock file says that somebody may work."""
    if not files.try_lock(place.fd, shared=True):
        return True
    files.unlock(place.fd)
    return False


def _shown_state(scene: Scene, case: Case, decision: Decision) -> str:
    """The working state while a supervisor works, and until the end that it left is taken up."""
    run = case.history.run
    ended = isinstance(decision, decide.TakeUp) and decision.result is not None
    if run is None or not (case.leased or ended):
        return case.state
    return next((s.working for s in scene.lifecycle.stages if s.name == run.stage), case.state)


def _markers(scene: Scene, case: Case) -> tuple[str, ...]:
    known = [*scene.lifecycle.markers, LOCK, HOLD, case.history.marker]
    return tuple(dict.fromkeys(name for name in known if name and name in case.sighting.names))


def _mount_of(path: Path) -> str:
    """Where the file system that holds `path` is mounted."""
    return quote(str(next(each for each in (path, *path.parents) if each.is_mount())))


def _trouble(scene: Scene, case: Case, decision: Decision) -> tuple[str, str]:
    path = scene.root.path / case.id
    if isinstance(decision, decide.Refuse):
        names = " ".join(quote(str(path / name)) for name in decision.names)
        return f"{', '.join(decision.names)} is no regular file with one link", f"rm -r {names}"
    if not os.access(path, os.W_OK | os.X_OK) and not isinstance(decision, decide.Leave):
        if os.fstatvfs(scene.root.fd).f_flag & os.ST_RDONLY:
            return "its file system is read-only", f"sudo mount -o remount,rw {_mount_of(path)}"
        return "it may not be written", f'sudo chown -R "$(id -un)": {quote(str(path))}'
    below = nested(scene.lifecycle, case.place.fd) if case.state == IDLE else []
    if below:
        mends = (mend_nested(scene.root.path, case.id, name) for name in below)
        return TOO_DEEP.format(names=", ".join(below)), " && ".join(mends)
    return "", ""
