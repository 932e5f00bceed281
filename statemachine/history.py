"""What the journal's lines add up to. Pure: lines in, one frozen summary out."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ezrec.statemachine.lifecycle import IDLE
from ezrec.statemachine.names import is_run

MAX_INTERRUPTIONS = 20
_HUGE = 1e15  # no count or second reaches it; NaN and infinity do not stay below it
_KEEPS_NOTES = frozenset({"finished", "salvaged", "resumed", "arrived"})
_UNDONE = frozenset({"postponed", "interrupted"})
_NOT_COUNTED = frozenset({"postponed", "parked", "interrupted", "cancelled", "finished"})


class Run(NamedTuple):
    """An attempt whose end is not journaled yet, begun at second `since` of the boot called `boot`.
    `cancelled` is why it was told to stop, if it was; `requested`: it is what an operator asked for."""

    id: str
    stage: str
    state: str
    attempt: int
    boot: str
    since: float = 0.0
    cancelled: str | None = None
    requested: bool = False


class Pause(NamedTuple):
    """Why nothing starts just now. `since` and `delay` in seconds of the boot called `boot`.

    `result`: `failed` (a retry after an error), `postponed` (the world is away), `parked` (the set-up
    is wrong; over when the set-up's fingerprint is no longer `setup`), `interrupted`.
    """

    result: str
    stage: str
    reason: str
    boot: str
    since: float
    delay: float
    setup: str = ""


class History(NamedTuple):
    """`known` is None where the journal is empty or of another directory, or its beginning is lost.
    Counts are of this round: since the last change of state, push or retry. `notes` are what hooks noted
    since the last push; `asked` is the push that an operator asked for while work ran: state, by whom,
    reason."""

    known: str | None = None
    marker: str | None = None
    pending: str | None = None
    failed_from: str | None = None
    run: Run | None = None
    attempts: int = 0
    postponed: int = 0
    interruptions: int = 0
    pause: Pause | None = None
    content: str | None = None
    requested: bool = False
    reason: str = ""
    notes: tuple[str, ...] = ()
    asked: tuple[str, str, str] | None = None
    last_run: str | None = None


def history_of(lines: Iterable[Mapping[str, Any]]) -> History:
    """Fold the lines, oldest first. Lines of unknown kinds change nothing. Where the first one is missing
    (it is damaged, or the journal so long that only its end is read) no state is known before one is told."""
    history = History()
    for line in lines:
        if history.known is None and _number(line, "seq") <= 1:
            history = history._replace(known=IDLE)
        history = _FOLDS.get(_text(line, "kind"), _unchanged)(history, line)
    return history


def _unchanged(history: History, _line: Mapping[str, Any]) -> History:
    return history


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line.get(key)
    return value if isinstance(value, str) else ""


def _texts(line: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = line.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _number(line: Mapping[str, Any], key: str) -> float:
    value = line.get(key)
    return float(value) if isinstance(value, int | float) and abs(value) < _HUGE else 0.0


def _state(history: History, line: Mapping[str, Any]) -> History:
    """Both a state arrived at and a push: a new round begins."""
    name = _text(line, "state") or IDLE
    return History(
        known=name,
        marker=_text(line, "marker") or None,
        failed_from=_text(line, "from") or None,
        run=history.run,
        content=_text(line, "content") or history.content,
        requested=_text(line, "how") in ("push", "new"),
        reason=_text(line, "reason"),
        notes=history.notes if _text(line, "how") in _KEEPS_NOTES else (),
        last_run=history.last_run,
    )


def _attempt(history: History, line: Mapping[str, Any]) -> History:
    if not is_run(_text(line, "run")):
        return history  # no line of ours
    run = Run(
        id=_text(line, "run"),
        stage=_text(line, "stage"),
        state=_text(line, "state"),
        attempt=int(_number(line, "attempt")),
        boot=_text(line, "boot"),
        since=_number(line, "up"),
        requested=history.requested,
    )
    return history._replace(run=run, attempts=history.attempts + 1, pause=None, requested=False)


def _cancel(history: History, line: Mapping[str, Any]) -> History:
    if history.run is None or history.run.id != _text(line, "run"):
        return history
    return history._replace(run=history.run._replace(cancelled=_text(line, "why") or "push"))


def _ended(history: History, line: Mapping[str, Any]) -> History:
    result = _text(line, "result")
    counted = history.attempts - (result in _NOT_COUNTED)
    undone = history.run is not None and history.run.requested and result in _UNDONE
    after = history._replace(
        run=None,
        last_run=_text(line, "run") if is_run(_text(line, "run")) else None,
        pending=_text(line, "to") or None,
        attempts=max(0, counted),
        requested=history.requested or (undone and not _text(line, "to")),
        postponed=history.postponed + 1 if result == "postponed" else 0,
        interruptions=history.interruptions + (result == "interrupted"),
        content=_text(line, "content") or history.content,
        reason=_text(line, "reason"),
        notes=(*history.notes, *_texts(line, "notes")) if _text(line, "to") else history.notes,
    )
    return after._replace(pause=None if after.pending else _pause(line))


def _pause(line: Mapping[str, Any]) -> Pause | None:
    if _text(line, "result") not in ("failed", "postponed", "parked", "interrupted"):
        return None
    return Pause(
        result=_text(line, "result"),
        stage=_text(line, "stage"),
        reason=_text(line, "reason"),
        boot=_text(line, "boot"),
        since=_number(line, "up"),
        delay=_number(line, "delay"),
        setup=_text(line, "setup"),
    )


def _asked(history: History, line: Mapping[str, Any]) -> History:
    return history._replace(asked=(_text(line, "state"), _text(line, "by"), _text(line, "reason")))


def _void(history: History, _line: Mapping[str, Any]) -> History:
    return history._replace(pending=None)


def _retry(history: History, line: Mapping[str, Any]) -> History:
    content = _text(line, "content") or history.content
    fresh = history._replace(attempts=0, postponed=0, interruptions=0, pause=None)
    return fresh._replace(content=content)


_FOLDS = {
    "state": _state,
    "push": _state,
    "attempt": _attempt,
    "cancel": _cancel,
    "ended": _ended,
    "void": _void,
    "asked": _asked,
    "retry": _retry,
}
