"""From one look at a recording to the one thing to do next. Pure: every fact is in the View."""

from typing import NamedTuple

from ezrec.statemachine.history import MAX_INTERRUPTIONS, History, Pause, Run
from ezrec.statemachine.lifecycle import Lifecycle, Stage
from ezrec.statemachine.markers import How, Resolution
from ezrec.statemachine.place import Sighting
from ezrec.statemachine.runs import RunResult

LOOK_AGAIN = 0.25
#: seconds beyond limit and grace after which a supervisor is taken for stuck
OVERDUE = 10.0
#: seconds beyond limit and grace after which the nursery is, which keeps a lease that nobody works under
ABANDONED = 15.0


class View(NamedTuple):
    """All that a decision is made from. `seconds` is the boot clock, `boot` its id; `quiet`: the
    content has stood still for the settling time; `setup` is the fingerprint of a parked stage's hooks
    and configuration, `setup_problem` what keeps them from running."""

    lifecycle: Lifecycle
    sighting: Sighting
    history: History
    resolution: Resolution
    leased: bool
    quiet: bool
    result: RunResult | None
    boot: str
    seconds: float
    setup: str = ""
    setup_problem: str = ""


# Decisions are told apart by their types, never compared: one tuple may equal another.


class Leave:
    """Nothing to do."""

    __slots__ = ()


class Held:
    """An operator's `.hold` stands there: left alone until it is removed."""

    __slots__ = ()


class Refuse(NamedTuple):
    """What stands there can't be taken; `names` are in the way."""

    names: tuple[str, ...]


class Watch(NamedTuple):
    """Work is being done, or somebody looks at it just now: look again."""

    run: Run | None


class Cancel(NamedTuple):
    """A push: end the run that is going on."""

    run: Run


class PutBack(NamedTuple):
    """A marker was removed while work runs."""

    state: str


class TakeUp(NamedTuple):
    """A run is over; `result` is None where its supervisor died without leaving one."""

    run: Run
    result: RunResult | None


class Settle:
    """Something came from outside, and may still be coming."""

    __slots__ = ()


class Tidy(NamedTuple):
    """Make the disk and the journal say what the markers mean."""

    resolution: Resolution


class Start(NamedTuple):
    """Begin an attempt at this stage."""

    stage: Stage
    attempt: int


class Wait(NamedTuple):
    """Not before so many seconds from now."""

    seconds: float
    pause: Pause


class Park(NamedTuple):
    """The stage's set-up is wrong: until it changes."""

    stage: Stage
    reason: str


class GiveUp(NamedTuple):
    """No attempts are left."""

    stage: Stage


Decision = (
    Leave
    | Held
    | Refuse
    | Watch
    | Cancel
    | PutBack
    | TakeUp
    | Settle
    | Tidy
    | Start
    | Wait
    | Park
    | GiveUp
)


def decide(view: View) -> Decision:
    """The one thing to do. Total; doing it and looking again leads on, never round."""
    if view.leased:
        return _while_leased(view)
    if view.sighting.odd:
        return Refuse(view.sighting.odd)
    if view.history.run is not None:
        return TakeUp(view.history.run, view.result)
    if view.sighting.hold:
        return Held()
    if _to_tidy(view.resolution):
        return Tidy(view.resolution) if _may_act(view) else Settle()
    return _next_work(view)


def _while_leased(view: View) -> Decision:
    run = view.history.run
    if run is not None and (view.resolution.how is How.PUSHED or run.cancelled is not None):
        return Cancel(run)
    if view.resolution.how is How.PUT_BACK and run is not None and run.cancelled is None:
        return PutBack(view.resolution.state)
    return Watch(run)


def overdue(lifecycle: Lifecycle, run: Run, boot: str, seconds: float) -> float:
    """By how many seconds a run has outlived its limit and grace; below 0 while it has not."""
    stage = next((stage for stage in lifecycle.stages if stage.name == run.stage), None)
    if stage is None or run.boot != boot:
        return -1.0
    allowed = stage.timeout + stage.grace
    return seconds - run.since - allowed.total_seconds()


def _to_tidy(resolution: Resolution) -> bool:
    if resolution.how is How.UNKNOWN:
        return False
    return resolution.how is not How.SETTLED or bool(resolution.remove) or resolution.stale_lock


def _may_act(view: View) -> bool:
    """What ezrec's own stages made needs no settling; what came from outside does."""
    return view.quiet or (view.history.content == view.sighting.content)


def _next_work(view: View) -> Decision:
    stage = view.lifecycle.stage_from(view.resolution.state)
    if stage is None or view.resolution.how is How.UNKNOWN:
        return Leave()
    if not _may_act(view):
        return Settle()
    if view.setup_problem:
        return Park(stage, view.setup_problem)
    pause = _pause_of(stage, view.history)
    if pause is not None and pause.result == "parked" and pause.setup == view.setup:
        return Park(stage, pause.reason)
    if _used_up(stage, view.history):
        return GiveUp(stage)
    if pause is not None and (left := remaining(pause, view.boot, view.seconds)) > 0:
        return Wait(left, pause)
    return Start(stage, view.history.attempts + 1)


def _pause_of(stage: Stage, history: History) -> Pause | None:
    """A journal whose lines were mixed up may end in another stage's."""
    pause = history.pause
    return pause if pause is not None and pause.stage == stage.name else None


def _used_up(stage: Stage, history: History) -> bool:
    spent = stage.attempts is not None and history.attempts >= stage.attempts
    return spent or history.interruptions > MAX_INTERRUPTIONS


def remaining(pause: Pause, boot: str, seconds: float) -> float:
    """Seconds until a pause is over; in another boot than the one it began in, it is."""
    return pause.since + pause.delay - seconds if pause.boot == boot else 0.0
