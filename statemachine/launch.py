"""The environment, document and limits that a hook is started with: the hook contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ezrec.statemachine.environment import inherited
from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.hooks import Hook
from ezrec.statemachine.lifecycle import Stage
from ezrec.statemachine.processes import RUN_VARIABLE
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.tells import Tell
from ezrec.statemachine.view import Case
from ezrec.statemachine.world import World

_TELL_LIMIT = 60.0
_TELL_GRACE = 5.0


def stage_launch(
    world: World, case: Case, stage: Stage, run: str, attempt: int, idle: bool
) -> Launch:
    """The run of one attempt at a stage. Raises RunnerUnavailable where its hook was taken away since it
    was looked for: a run of nothing would end well."""
    facts = _facts(world, case.id, run) | {
        "hook": stage.name,
        "stage": stage.name,
        "state": stage.source,
        "attempt": attempt,
        "max_attempts": stage.attempts or 0,
    }
    variables, document = world.describe(case.place.fd, case.id)
    secrets = {name: world.secrets[name] for name in stage.secrets if name in world.secrets}
    of = f" of {stage.attempts}" if stage.attempts else ""
    commands = _commands(world.hooks.find(stage.name))
    if not commands:
        raise RunnerUnavailable(f"the hook of {stage.name} has just gone", "it is tried again")
    return Launch(
        run=run,
        commands=commands,
        environment={**secrets, **_environment(world, facts, variables)},
        document=json.dumps({**facts, "requested": case.history.requested, **document}),
        log=f"{stage.name}.log",
        title=f"{stage.name}, attempt {attempt}{of}, run {run}, {_wall(world)}",
        limit=stage.timeout.total_seconds(),
        grace=stage.grace.total_seconds(),
        idle=idle,
    )


def tell_launch(world: World, fd: int, tell: Tell) -> Launch:
    """The run that tells a state's `on_<state>` hooks."""
    name = f"on_{tell.state}"
    facts = _facts(world, tell.recording, tell.run) | {
        "hook": name,
        "stage": "",
        "state": tell.state,
    }
    variables, document = world.describe(fd, tell.recording)
    told = {"from_state": tell.origin, "reason": tell.reason}
    return Launch(
        run=tell.run,
        commands=_commands(world.hooks.find(name)),
        environment=_environment(world, facts, variables),
        document=json.dumps({**facts, **told, **document}),
        log=f"{name}.log",
        title=f"{name}, run {tell.run}, {_wall(world)}",
        limit=_TELL_LIMIT,
        grace=_TELL_GRACE,
        status=False,
    )


def _facts(world: World, recording: str, run: str) -> dict[str, Any]:
    place = world.root.path / recording
    names = {"recording_id": recording, "recording_dir": str(place), "root": str(world.root.path)}
    return {**names, "run_id": run}


def _environment(
    world: World, facts: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, str]:
    told = {f"EZREC_{key.upper()}": str(value) for key, value in facts.items()}
    return {**inherited(world.environment), **variables, **told, RUN_VARIABLE: str(facts["run_id"])}


def _commands(hooks: tuple[Hook, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(hook.command() for hook in hooks)


def _wall(world: World) -> str:
    return world.clock.wall().isoformat(timespec="seconds")
