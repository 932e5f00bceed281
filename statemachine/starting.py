"""Beginning an attempt, and ending one that runs: what is done to the process side of a stage."""

from __future__ import annotations

import signal
from typing import Any

from ezrec.statemachine import processes, runs
from ezrec.statemachine.commit import Move, judge_legal
from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.history import Run
from ezrec.statemachine.launch import stage_launch
from ezrec.statemachine.lifecycle import LOCK, Stage
from ezrec.statemachine.runs import Progress
from ezrec.statemachine.view import Case
from ezrec.statemachine.world import World

_NOT_STARTED_AGAIN = 5.0


def start(world: World, case: Case, stage: Stage, attempt: int, idle: bool) -> str:
    """Journal the attempt durably, make `.lock`, hand the lease to a supervisor. The run's id.

    Raises RunnerUnavailable, OSError: nothing was started, and the attempt does not count. Raises
    StartUncertain: the next look tells.
    """
    move = Move(
        source=stage.source, trigger=f"start_{stage.name}", state=stage.working, how="start"
    )
    judge_legal(world, move, leased=not case.leased)
    if case.history.last_run:
        runs.forget(case.place.fd, case.history.last_run)  # a crash may have left its files
        world.minded.forget(case.history.last_run)  # a command may have taken it up
    run = runs.new_run_id()
    launch = stage_launch(world, case, stage, run, attempt, idle)
    told = {"run": run, "stage": stage.name, "state": stage.source, "attempt": attempt}
    case.journal.append("attempt", durable=True, **told)
    world.minded.begun(run)
    try:
        _mark_locked(world, case, told)
        world.runner.start(launch, case.place.fd)
    except (RunnerUnavailable, OSError) as error:
        world.minded.forget(run)
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        ended = {**told, "result": "postponed", "reason": reason, "delay": _NOT_STARTED_AGAIN}
        case.journal.append("ended", durable=False, **ended)
        raise
    return run


def _mark_locked(world: World, case: Case, told: dict[str, Any]) -> None:
    """`.lock`, for people and downstream scripts: it need not survive a power cut."""
    if not case.sighting.lock:
        note = {**told, "at": world.clock.wall().isoformat(timespec="seconds")}
        try:
            case.place.create(LOCK, note, durable=False)
        except FileExistsError:
            pass  # somebody made it since we looked: it says the same


def wake(case: Case, run: Run) -> None:
    """Let go on what a hook may have stopped: who minds it, and who would after that one's death."""
    if progress := _progress_of(case, run):
        processes.signal_exactly(progress.supervisor, progress.started, signal.SIGCONT)
        processes.signal_exactly(progress.nursery, progress.nursery_started, signal.SIGCONT)


def end_supervisor(case: Case, run: Run) -> bool:
    """KILL a supervisor that has outlived its own limit: it is stopped, or stuck. False where it is gone."""
    progress = _progress_of(case, run)
    return progress is not None and processes.signal_exactly(
        progress.supervisor, progress.started, signal.SIGKILL
    )


def end_nursery(case: Case, run: Run) -> None:
    """KILL the nursery that keeps the lease of a dead supervisor; what others it minds goes on."""
    if progress := _progress_of(case, run):
        processes.signal_exactly(progress.nursery, progress.nursery_started, signal.SIGKILL)


def _progress_of(case: Case, run: Run) -> Progress | None:
    progress = runs.read_progress(case.place.fd)
    return progress if progress is not None and progress.run == run.id else None


def cancel(case: Case, run: Run, why: str) -> None:
    """Journal that the run is to stop, then tell its supervisor; said again, it does no harm. A power cut
    that loses the line ends the run too."""
    if run.cancelled is None:
        case.journal.append("cancel", durable=False, run=run.id, why=why)
    if progress := _progress_of(case, run):
        for number in (signal.SIGTERM, signal.SIGCONT):
            processes.signal_exactly(progress.supervisor, progress.started, number)
    else:
        for pid in processes.bearing(run.id):
            processes.kill(pid, signal.SIGTERM)
