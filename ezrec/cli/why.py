"""`ezrec why`"""

from __future__ import annotations

from dataclasses import replace

import click

from ezrec.cli.group import Common, common_options
from ezrec.cli.naming import seen
from ezrec.question import Question
from ezrec.statemachine import decide, files, parsing, processes
from ezrec.statemachine.journal import DIRECTORY, Journal
from ezrec.statemachine.lifecycle import HOLD
from ezrec.statemachine.snapshot import Snapshot
from ezrec.statemachine.view import Scene
from ezrec.status import daemon_of
from ezrec.why import answer, last_failure

_TAIL_BYTES = 1 << 14
_HEADER, _OURS = "--- ", "ezrec:"
_TAIL_LINES = 8


@click.command("why")
@click.argument("recording", metavar="REC")
@common_options
@click.pass_obj
def why_command(common: Common, recording: str) -> None:
    """REC in words: its state and how it is known, who works in it, what failed last with the end of
    its log, what happens next and when, and the command that would unblock it.

    \b
    Examples:
      ezrec why 2026-11-23/court-1
      ezrec why .                      when standing in it
    """
    scene = common.scene()
    click.echo(answer(ask(scene, seen(scene, recording), common.again)))


def ask(scene: Scene, shot: Snapshot, again: str) -> Question:
    """Gather all that the answer is made from."""
    question = Question(
        lifecycle=scene.lifecycle,
        shot=shot,
        again=again,
        daemon=daemon_of(scene.root).running,
        blockers=_blockers(shot),
    )
    if shot.problem:
        return question
    return _with_files(scene, question)


def _with_files(scene: Scene, question: Question) -> Question:
    with scene.root.opened(question.shot.id) as fd:
        journal = Journal(fd, scene.root.id, scene.clock)
        lines = journal.read()
        failed = last_failure(lines)
        log = _tail(fd, str(failed.get("stage"))) if failed else []
        copied = not lines and bool(journal.read_any())
        return replace(question, lines=lines, copied=copied, log=log, hold=_hold(fd))


def _blockers(shot: Snapshot) -> list[int]:
    if isinstance(shot.decision, decide.TakeUp) and shot.decision.result is None:
        return processes.bearing(shot.decision.run.id)
    return []


def _hold(fd: int) -> str:
    try:
        said = files.read(fd, HOLD, 4096)
    except OSError:
        return ""
    text = said.decode("utf-8", "replace").strip()
    try:
        told = parsing.parse(said)
    except ValueError:
        return text
    return str(told.get("reason", "")) if isinstance(told, dict) else text


def _tail(fd: int, stage: str) -> list[str]:
    """The last lines that the stage printed in its last run, without those meant for ezrec."""
    try:
        with (
            files.directory(DIRECTORY, fd) as logs,
            files.open_plain(logs, f"{stage}.log", 0) as log,
        ):
            text = files.read_end(log, _TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    last = text[max(0, text.rfind(_HEADER)) :]
    said = [line for line in last.splitlines() if line and not line.startswith((_HEADER, _OURS))]
    return said[-_TAIL_LINES:]
