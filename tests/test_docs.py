"""The pages say what is: tables are made from the code, links lead somewhere, examples run."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import click
import pytest

from ezrec.cli.group import COMMANDS, ezrec
from ezrec.lifecycle import RECORDING
from tests import pages, promises
from tests.console import REPOSITORY, comparable, run, steps

_PLACES = ("*.md", "docs/*.md", "examples/**/*.md")
PAGES = sorted(path for place in _PLACES for path in REPOSITORY.glob(place))
TEXTS = {str(path.relative_to(REPOSITORY)): path.read_text("utf-8") for path in PAGES}
README, HOOKS = TEXTS["README.md"], TEXTS["docs/hooks.md"]
WORDS = (
    *("station", "root", "recording", "footage", "outputs", "marker", "state marker", "lease"),
    *("lifecycle", "stage", "hook", "supervisor", "push", "hold", "journal", "reconcile"),
)
GENERATED = {
    "README.md": {"drawing"},
    "docs/architecture.md": {"sources"},
    "docs/configuration.md": {"settings"},
    "docs/library.md": {"errors"},
    "docs/promises.md": {"promises"},
    "docs/states.md": {"states", "drawing", "rules"},
}


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_made_from_the_code_is_the_code(name: str) -> None:
    """`python -m tests.pages README.md docs/*.md` would change nothing."""
    assert set(pages.parts(TEXTS[name])) == GENERATED[name]
    for part, text in pages.parts(TEXTS[name]).items():
        assert text == pages.PARTS[part](), f"python -m tests.pages {name}"


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    """Relative links are files of the repository; there are no others but to anchors on the page."""
    text = re.sub(r"```.*?```", "", TEXTS[name], flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if re.match(r"https?://", link):
            assert link.startswith(("https://keepachangelog.com/", "https://semver.org/")), link
        elif path:
            assert (REPOSITORY / name).parent.joinpath(path).exists(), link
        else:
            assert anchor in _anchors(TEXTS[name]), link


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_is_linked() -> None:
    """From the README each page of docs/ is one step away."""
    unlinked = [name for name in TEXTS if name.startswith("docs/") and f"({name})" not in README]
    assert unlinked == []


def test_every_promise_has_its_tests() -> None:
    """None is listed without, and no test bears the number of a promise that nobody has made."""
    assert set(promises.proofs()) == set(promises.WORDS)


def test_the_source_map_is_the_source() -> None:
    """Every module once, each with words of its own, and none that is gone."""
    found = re.findall(r"^- `([^`]+\.py)`: (.+)$", TEXTS["docs/architecture.md"], re.MULTILINE)
    there = [
        str(path.relative_to(REPOSITORY))
        for place in ("statemachine", "ezrec", "hooks")
        for path in (REPOSITORY / place).rglob("*.py")
        if not str(path.relative_to(REPOSITORY)).startswith(("ezrec/statemachine", "ezrec/hooks"))
    ]
    assert sorted(name for name, _ in found) == sorted(set(there))
    assert len({words for _, words in found}) == len(found)


def test_the_architecture_names_modules_that_are_there() -> None:
    """The prose keeps up with the code."""
    prose = TEXTS["docs/architecture.md"].partition("Decisions are values.")[2].partition("## ")[0]
    names = re.findall(r"`([a-z_]+)`", prose)
    assert names and all((REPOSITORY / "statemachine" / f"{each}.py").exists() for each in names)


def test_the_command_table_names_every_command() -> None:
    """And nothing that is no command, and no option that a command does not have."""
    rows = re.findall(r"^\| (`ezrec .*?) \| ", README, re.MULTILINE)
    told = [usage for row in rows for usage in re.findall(r"`ezrec ([^`]+)`", row)]
    assert sorted(usage.split()[0] for usage in told) == sorted(COMMANDS)
    context = click.Context(ezrec)
    for usage in told:
        command = ezrec.get_command(context, usage.split()[0])
        assert command is not None
        there = {option for each in command.params for option in each.opts}
        missing = set(re.findall(r"--?[a-z][a-z-]*", usage)) - there
        assert not missing, f"{usage}: {missing}"


def test_every_variable_of_the_hook_contract_is_given(tmp_path: Path) -> None:
    """A stage's hook and an `on_` hook really see what the table says, and nothing else of ours."""
    hook = (
        f"#!/bin/sh\nenv > {tmp_path}/$EZREC_HOOK.env\ncat > {tmp_path}/$EZREC_HOOK.json\nexit 65\n"
    )
    root = tmp_path / "station"
    (root / "hooks").mkdir(parents=True)
    for name in ("merge", "on_failed"):
        (root / "hooks" / name).write_text(hook)
        (root / "hooks" / name).chmod(0o755)
    drop = "ezrec init station; mkdir station/x; echo 1 > station/x/camera_0.mp4; touch station/x/.done"
    told = run([drop, "SECRET=1 ezrec --root station watch --once"], tmp_path)
    assert (root / "x" / ".error").exists(), told

    table = pages.parts(HOOKS)["environment"].splitlines()[2:]
    rows = [re.split(r" *\| *", row.strip("| ")) for row in table]
    always = {name.strip("`") for name, _, when in rows if when != "no"}
    stage = _variables(tmp_path / "merge.env")
    assert {name for name in stage if name.startswith("EZREC_")} == {r[0].strip("`") for r in rows}
    event = _variables(tmp_path / "on_failed.env")
    assert {name for name in event if name.startswith("EZREC_")} == always
    shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    for given in (stage, event):
        rest = {name for name in given if not name.startswith("EZREC_")}
        assert rest <= {"PATH", "HOME", "LANG", "TZ"} | shell
    _check_document(json.loads((tmp_path / "merge.json").read_text()), stage, {"requested"})
    both = {"from_state", "reason"}
    _check_document(json.loads((tmp_path / "on_failed.json").read_text()), event, both)


def _variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def _check_document(
    document: dict[str, object], environment: dict[str, str], more: set[str]
) -> None:
    """The same as the environment, under small names, and what the page says comes on top."""
    names = {name.removeprefix("EZREC_").lower() for name in environment if "EZREC_" in name}
    assert set(document) == names | more | {"recording", "options"}
    assert document["camera_ids"] == environment["EZREC_CAMERA_IDS"].split()
    assert set(dict(document["options"])) == {"capture", "cameras", "merge", "upload"}  # type: ignore[call-overload]  # JSON


@pytest.mark.parametrize("name", ["docs/hooks.md", "docs/operations.md"])
def test_the_commands_of_a_page_print_what_it_says(name: str, tmp_path: Path) -> None:
    """To the letter, but for times, ids and lengths."""
    told = steps(TEXTS[name])
    assert told
    for step, output in zip(told, run([s.command for s in told], tmp_path), strict=True):
        assert comparable(output) == comparable(step.output), step.command


def test_the_python_of_the_library_page_runs(tmp_path: Path) -> None:
    """Each block is a program that does what the page says."""
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXTS["docs/library.md"], re.M | re.DOTALL)
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.py").write_text(block)
    first = run(["ezrec init station 2>/dev/null", "python 0.py"], tmp_path)[1]
    assert first.splitlines()[-1] == "match-17 completed"
    assert run(["python 1.py && ls -A jobs"], tmp_path)[0].splitlines() == [".ezrec", ".ezrec-root"]


def test_the_states_page_names_every_marker() -> None:
    """In the table that is made from the code, and among the gestures."""
    gestures = TEXTS["docs/states.md"].partition("## Gestures")[2]
    for state in RECORDING.states:
        assert state.marker is None or f"`{state.marker}`" in TEXTS["docs/states.md"]
    for marker in (".lock", ".done", ".hold", ".merge_error", ".error", ".completed"):
        assert marker in gestures


def test_the_glossary_has_the_words() -> None:
    """Each once, in the order of the design."""
    glossary = TEXTS["docs/architecture.md"].partition("## Words")[2]
    assert tuple(re.findall(r"^\| ([a-z ]+) \| ", glossary, re.MULTILINE)) == ("word", *WORDS)


def test_everything_public_has_a_docstring() -> None:
    """Its own, not an inherited one; so has each public member of a public class."""
    bare = [name for name, it in pages.public() if not isinstance(it, type) and not it.__doc__]
    for name, kind in pages.public():
        if not isinstance(kind, type):
            continue
        bare += [name] if not kind.__dict__.get("__doc__") else []
        for member, value in vars(kind).items():
            function = value.fget if isinstance(value, property) else value
            if not member.startswith("_") and inspect.isfunction(function) and not function.__doc__:
                bare.append(f"{name}.{member}")
    assert bare == []


def test_no_page_tells_of_a_machine() -> None:
    """No path of the machine that it was written on, and no package registry's host."""
    for name, text in TEXTS.items():
        found = re.findall(r"(?<!\w)/(?:root|work|opt)/|pypi\.org|pythonhosted", text)
        assert not found, f"{name}: {found}"
