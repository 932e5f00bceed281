"""`ezrec history`"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.naming import named
from ezrec.statemachine.journal import Journal
from ezrec.text import printable


@click.command("history")
@click.argument("recording", metavar="REC")
@click.option("--json", "as_json", is_flag=True, help="The journal's lines as a JSON array.")
@common_options
@click.pass_obj
def history_command(common: Common, recording: str, as_json: bool) -> None:
    """What happened to REC, oldest first. The times are the machine's own, right or wrong.

    \b
    Examples:
      ezrec history court-1
      ezrec history court-1 --json | jq '.[-1]'
    """
    scene = common.scene()
    found = named(scene.root, recording)
    with scene.root.opened(found) as fd:
        journal = Journal(fd, scene.root.id, scene.clock)
        lines, own = journal.read_any(), journal.read()
    if as_json:
        click.echo(json.dumps(lines, indent=1))
        return
    for line in lines:
        click.echo(printable(f"{str(line.get('at', ''))[:19]}  {sentence(line)}"))
    if not lines:
        click.echo(f"{found}: nothing yet", err=True)
    elif len(own) < len(lines):
        foreign = len(lines) - len(own)
        click.echo(f"{foreign} of these came with a copy: they decide nothing here", err=True)


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
        case "asked":
            return f"{line.get('by', '?')} asks for {line.get('state')}{reason}"
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
    notes = line.get("notes") if line.get("result") == "finished" else None
    noted = f" ({'; '.join(map(str, notes))})" if isinstance(notes, list) and notes else ""
    return f"{line.get('stage', 'work')} {line.get('result')}{exit_code}{towards}{again}{noted}"
