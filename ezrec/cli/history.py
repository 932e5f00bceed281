"""`ezrec history`"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ezrec.cli.group import Common, common_options
from ezrec.statemachine.journal import Journal
from ezrec.status import printable


@click.command("history")
@click.argument("recording", metavar="REC")
@click.option("--json", "as_json", is_flag=True, help="The journal's lines as a JSON array.")
@common_options
@click.pass_obj
def history_command(common: Common, recording: str, as_json: bool) -> None:
    """What happened to REC, oldest first. The times are the machine's own, right or wrong."""
    scene = common.scene()
    found = scene.root.find(recording)
    with scene.root.opened(found) as fd:
        lines = Journal(fd, scene.root.id, scene.clock).read_any()
    if as_json:
        click.echo(json.dumps(lines, indent=1))
        return
    for line in lines:
        click.echo(printable(f"{str(line.get('at', ''))[:19]}  {sentence(line)}"))
    if not lines:
        click.echo(f"{found}: nothing yet", err=True)


def sentence(line: Mapping[str, Any]) -> str:
    """One line of the journal in words."""
    reason = f": {line['reason']}" if line.get("reason") else ""
    match line.get("kind"):
        case "state":
            return f"is {line.get('state')} ({line.get('how')}){reason}"
        case "push":
            return f"pushed to {line.get('state')} by {line.get('by', '?')}{reason}"
        case "attempt":
            return f"{line.get('stage')}, attempt {line.get('attempt')} started"
        case "ended":
            return _ended(line) + reason
        case "cancel":
            return f"the run is told to stop ({line.get('why')})"
        case "retry":
            return f"tried again by {line.get('by', '?')}"
        case "void":
            return f"not {line.get('to')}: an operator was first"
        case other:
            return f"{other}{reason}"


def _ended(line: Mapping[str, Any]) -> str:
    exit_code = f", exit {line['exit']}" if line.get("exit") is not None else ""
    towards = f", on to {line['to']}" if line.get("to") else ""
    again = (
        f", again in {line['delay']:.0f} s" if isinstance(line.get("delay"), int | float) else ""
    )
    return f"{line.get('stage', 'work')} {line.get('result')}{exit_code}{towards}{again}"
