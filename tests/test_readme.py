"""The README's walk-through, command by command, and its library example."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.console import REPOSITORY, comparable, run, steps

README = (REPOSITORY / "README.md").read_text("utf-8")
#: a marker and a state, as `ezrec demo` shows them; a fast machine may pass one by unseen
_SHOWN_STATE = re.compile(r"(-|\.\w+(?: \.\w+)*) +\w+")


def test_it_shows_what_it_has_to() -> None:
    """The demo, set-up, a drop, a hook, a stage in YAML, a push and a why are all among them."""
    commands = "\n".join(step.command for step in steps(README))
    wanted = (
        *("make demo", "ezrec demo", "ezrec init", "touch station/match-17/.done"),
        *("ezrec watch --once", "hooks/on_completed", "station/ezrec.yaml", "ezrec push"),
        *("ezrec why", "ezrec retry", "ezrec status"),
    )
    assert [each for each in wanted if each not in commands] == []


def test_every_command_prints_what_the_readme_says(tmp_path: Path) -> None:
    """All in one shell, in their order: to the letter, but for times, ids and lengths."""
    told = steps(README)
    outputs = run([step.command for step in told], tmp_path)
    assert len(outputs) == len(told), outputs
    for step, output in zip(told, outputs, strict=True):
        expected, printed = comparable(step.output), comparable(output)
        if step.command.startswith("make demo"):
            printed = _as_seen(printed, expected)
        assert printed == expected, step.command


def _as_seen(printed: str, expected: str) -> str:
    """Without the states that this run met and the README's did not: each lasts a moment only."""
    known = expected.splitlines()
    lines = (line for line in printed.splitlines() if line in known or not _is_state(line))
    return "\n".join(lines)


def _is_state(line: str) -> bool:
    return _SHOWN_STATE.fullmatch(line) is not None


def test_make_test_exists() -> None:
    """The other of the two commands: pytest, in the environment that make keeps."""
    assert "`make test`" in README
    shown = ["make", "-n", "-o", ".venv/.ready", "test"]
    done = subprocess.run(shown, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "pytest" in done.stdout


def test_the_library_example(tmp_path: Path) -> None:
    """Copied as it stands it records, merges and archives."""
    example = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "example.py").write_text(example)
    printed = run(["ezrec init station 2>/dev/null", "python example.py"], tmp_path)[1]
    last, told = "completed /home/pi/station/match-18/merged.mp4", printed.splitlines()
    states = ("recording", "recorded", "merged", "completed")
    assert [line for line in told if line != last] == [f"match-18 is {state}" for state in states]
    assert told.count(last) == 1  # the marker may be seen a moment before the callback is called


def test_it_is_short() -> None:
    """Somebody reads it to the end."""
    assert len(README.splitlines()) <= 190
