"""The station's status as data: what `ezrec status` prints, and the contract of its JSON."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from ezrec.explain import attempt_of, doing, reason_of, stage_of
from ezrec.statemachine import decide, files, parsing
from ezrec.statemachine.lifecycle import Lifecycle
from ezrec.statemachine.root import DAEMON, OWN, Root
from ezrec.statemachine.snapshot import Snapshot


class Daemon(NamedTuple):
    """Whether a daemon works on this root; `watching`: `inotify`, or `scanning` where it is blind."""

    running: bool
    pid: int | None = None
    watching: str | None = None


def daemon_of(root: Root) -> Daemon:
    """Read without disturbing it: the lock on the root is asked for a moment, shared."""
    fresh = files.open_directory(".", root.fd)
    try:
        if files.try_lock(fresh, shared=True):
            files.unlock(fresh)
            return Daemon(running=False)
    finally:
        files.close(fresh)
    told = _told(root)
    pid, watching = told.get("pid"), told.get("watching")
    return Daemon(
        running=True,
        pid=pid if parsing.is_count(pid) else None,
        watching=watching if watching in ("inotify", "scanning") else None,
    )


def _told(root: Root) -> dict[str, Any]:
    try:
        with files.directory(OWN, root.fd) as own:
            told = parsing.parse(files.read(own, DAEMON, 4096))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def status_json(
    root: Root, lifecycle: Lifecycle, daemon: Daemon, shots: Iterable[Snapshot]
) -> dict[str, Any]:
    """The whole answer of `ezrec status --json`."""
    rows = [recording_json(lifecycle, shot) for shot in shots]
    return {
        "root": str(root.path),
        "daemon": {"running": daemon.running, "pid": daemon.pid, "watching": daemon.watching},
        "counts": counted(row["state"] for row in rows),
        "recordings": rows,
    }


def counted(states: Iterable[str | None]) -> dict[str, int]:
    """How many there are of each state, by name; what has none (it can't be taken) is left out."""
    return dict(sorted(Counter(state for state in states if state).items()))


def recording_json(lifecycle: Lifecycle, shot: Snapshot) -> dict[str, Any]:
    """One recording. `progress` in percent or null, `retry_in` in seconds or null; `state` is null and
    `mend` is a command for a directory that can't be taken."""
    stage = stage_of(lifecycle, shot)
    wait = shot.decision.seconds if isinstance(shot.decision, decide.Wait) else None
    return {
        "id": shot.id,
        "path": str(shot.path),
        "state": shot.state or None,
        "held": shot.held,
        "stage": stage.name if stage else None,
        "progress": shot.progress.percent if shot.progress else None,
        "attempt": attempt_of(shot),
        "max_attempts": stage.attempts if stage else None,
        "retry_in": round(wait, 1) if wait is not None else None,
        "reason": reason_of(shot) or None,
        "mend": shot.mend or None,
        "markers": list(shot.markers),
    }


def status_rows(
    lifecycle: Lifecycle, daemon: Daemon, shots: Iterable[Snapshot]
) -> list[tuple[str, ...]]:
    """(id, state, what is being done, why not) for each, as text."""
    return [
        (
            shot.id,
            shot.state or "refused",
            doing(lifecycle, shot, daemon.running),
            reason_of(shot),
        )
        for shot in shots
    ]
