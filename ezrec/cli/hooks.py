"""`ezrec hooks`"""

from __future__ import annotations

import sys

import click

from ezrec.cli.boundary import EX_CONFIG
from ezrec.cli.group import Common, common_options
from ezrec.cli.table import table
from ezrec.scene import scene_for
from ezrec.statemachine.view import Scene
from ezrec.text import printable

_NEVER_WRAPPED = 1 << 20  #: a problem ends with the command that mends it


@click.command("hooks")
@click.option("--check", is_flag=True, help="Leave with 78 if anything is wrong.")
@common_options
@click.pass_obj
def hooks_command(common: Common, check: bool) -> None:
    """Which hook serves which stage, where it was found, and what is wrong with any.

    \b
    Examples:
      ezrec hooks
      ezrec hooks --check && ezrec watch
    """
    scene = scene_for(common.load())
    rows = _rows(scene)
    click.echo(table(("STAGE", "HOOK", "PROBLEM"), rows, _NEVER_WRAPPED))
    searched = ", ".join(str(directory) for directory in scene.hooks.directories)
    click.echo(f"searched: {printable(searched)}", err=True)
    if check and any(problem for _, _, problem in rows):
        sys.exit(EX_CONFIG)


def _rows(scene: Scene) -> list[tuple[str, str, str]]:
    stages = [stage.name for stage in scene.lifecycle.stages]
    events = [f"on_{state.name}" for state in scene.lifecycle.states]
    rows = []
    for name in stages:
        found = scene.hooks.find(name)
        rows += [(name, str(hook.path), hook.problem) for hook in found]
        if not found:
            rows.append((name, "none", scene.hooks.problem(name)))
    for name in events:
        rows += [(name, str(hook.path), hook.problem) for hook in scene.hooks.find(name)]
    return rows
