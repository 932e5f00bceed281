"""The direction of imports, the purity of the pure modules, and what an import costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
STATE_MACHINE = sorted((HOME / "statemachine").glob("*.py"))
HOOKS = sorted((HOME / "hooks").rglob("*.py"))
EZREC = sorted(
    path
    for path in (HOME / "ezrec").rglob("*.py")
    if not {"statemachine", "hooks"} & set(path.relative_to(HOME / "ezrec").parts)
)

PURE = [
    *(
        f"statemachine/{name}.py"
        for name in (
            "backoff",
            "contradictions",
            "decide",
            "declaration",
            "digest",
            "edges",
            "environment",
            "errors",
            "facts",
            "history",
            "judge",
            "lifecycle",
            "lines",
            "markers",
            "meaning",
            "mends",
            "names",
            "parsing",
            "roster",
            "rules",
            "settling",
            "tally",
        )
    ),
    *(
        f"ezrec/{name}.py"
        for name in (
            *(
                "explain",
                "graph",
                "job",
                "lifecycle",
                "question",
                "text",
                "way_out",
                "why",
                "config/model",
                "config/values",
            ),
            *("media/argv", "media/facts", "media/footage", "media/graph", "media/plan"),
        )
    ),
]
IMPURE = {
    "asyncio",
    "ctypes",
    "fcntl",
    "glob",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "select",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
}
CALLS = {"open", "now", "utcnow", "today", "exec", "eval", "input", "print"}


def imported(path: Path) -> Iterator[str]:
    """Every module that this file names in an import, in full, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(module: str, *packages: str) -> bool:
    """Whether the module is one of these, or in one of them."""
    return any(module == each or module.startswith(each + ".") for each in packages)


def name_of(path: Path) -> str:
    """How a test of this file is called."""
    return str(path.relative_to(HOME))


@pytest.mark.parametrize("path", STATE_MACHINE, ids=name_of)
def test_the_state_machine_stands_on_little(path: Path) -> None:
    """The standard library, transitions, watchdog, and itself under its full name."""
    for module in imported(path):
        top = module.partition(".")[0]
        allowed = below(module, "ezrec.statemachine", "transitions", "watchdog")
        lazily = module in ("ezrec", "ezrec.statemachine")
        assert top in sys.stdlib_module_names or allowed or lazily, module
        assert module != "ezrec", "nothing of the recorder"


@pytest.mark.parametrize("path", STATE_MACHINE, ids=name_of)
def test_transitions_and_watchdog_have_one_home_each(path: Path) -> None:
    """One module each knows these libraries."""
    tops = {module.partition(".")[0] for module in imported(path)}
    assert "transitions" not in tops or path.name == "machine.py"
    assert "watchdog" not in tops or path.name in ("watcher.py", "watches.py")


@pytest.mark.parametrize("path", [*HOOKS, *EZREC], ids=name_of)
def test_the_bare_name_is_nobodys(path: Path) -> None:
    """`statemachine` is another package on PyPI; hooks stand on `ezrec`, `ezrec` on no hook."""
    for module in imported(path):
        assert not below(module, "statemachine", "hooks", "tests"), module
        assert not below(module, "ezrec.hooks"), module


@pytest.mark.parametrize("path", HOOKS or [HOME / "ezrec" / "__init__.py"], ids=name_of)
def test_hooks_use_public_names(path: Path) -> None:
    """A hook is short and can be copied: the standard library and public names of ezrec."""
    for module in imported(path):
        top = module.partition(".")[0]
        assert top == "ezrec" or top in sys.stdlib_module_names, module
        assert not any(part.startswith("_") and part != "__future__" for part in module.split("."))


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_is_pure(name: str) -> None:
    """No system, no time, no chance: neither imported nor called."""
    path = HOME / name
    tops = {module.partition(".")[0] for module in imported(path)}
    assert not tops & IMPURE
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            text = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert text not in CALLS, f"{name}:{node.lineno}"


def test_names_need_only_a_pattern() -> None:
    """Text in, text out: a pattern and iterators are all."""
    tops = {module.partition(".")[0] for module in imported(HOME / "statemachine" / "names.py")}
    assert tops == {"__future__", "re", "collections", "itertools", "ezrec"}


VIDEO = re.compile(
    r"camera|video|merge|ffmpeg|upload|footage|booking|mp4|codec|frame|capture|archive|cloud|s3|supabase",
    re.IGNORECASE,
)


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every name and text in the code; prose (comments and docstrings) may give examples."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        ):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", STATE_MACHINE, ids=name_of)
def test_the_state_machine_knows_no_video(path: Path) -> None:
    """No name and no text in its code speaks of what the directories hold."""
    said = {
        f"{line}: {word}"
        for line, word in words_of(path)
        if VIDEO.search(word.replace("FrameType", "").replace("_frame", ""))
    }
    assert said == set()


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import ezrec", "av numpy click yaml watchdog transitions ezrec.statemachine.worker"),
        ("import ezrec.statemachine", "av numpy click yaml watchdog transitions subprocess"),
        (
            "from ezrec.statemachine import Lifecycle, State, Stage, resolve, Facts",
            "av numpy click yaml watchdog transitions subprocess",
        ),
        ("from ezrec.lifecycle import RECORDING", "av numpy click yaml watchdog transitions"),
        (
            "from ezrec.statemachine import Root, make_root",
            "av numpy click yaml watchdog transitions",
        ),
        ("from ezrec.statemachine import LifecycleMachine", "av numpy click yaml watchdog"),
        ("from ezrec.statemachine import Engine", "av numpy click yaml"),
        ("import ezrec.statemachine.nursery", "av numpy click yaml watchdog transitions"),
    ],
)
def test_an_import_costs_what_it_needs(statement: str, unwanted: str) -> None:
    """The state machine is used with no video library installed; a part brings only what it needs."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(said.stdout.split()) & set(unwanted.split())


def test_every_public_name_is_there() -> None:
    """What the package announces can be imported, and nothing else is announced."""
    import ezrec.statemachine

    for name in ezrec.statemachine.__all__:
        assert getattr(ezrec.statemachine, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = ezrec.statemachine.nothing_of_the_kind


@pytest.mark.parametrize("path", STATE_MACHINE, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    """A module has a docstring, and so has everything public in it that is not a protocol's stub."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


#: what changes a disk, or is trusted to have: os.<name> is called in statemachine/calls.py alone
ANNOUNCED = {
    *("rename", "replace", "link", "unlink", "remove", "mkdir", "makedirs", "rmdir", "fsync"),
    *("fdatasync", "pwrite", "ftruncate", "truncate", "symlink", "sync", "rmtree"),
}
#: a directory of the operator's own choice, made at his word before anything is kept in it
MADE_AT_ONCE = {"statemachine/root.py", "ezrec/archive.py", "ezrec/setup.py", "ezrec/cli/demo.py"}


def test_every_change_of_the_disk_is_announced() -> None:
    """Nobody but `calls` makes a system call that a crash may cut off: what the tests of kills, power
    cuts and faults go through is all there is."""
    found = set()
    for path in (*STATE_MACHINE, *EZREC, *HOOKS):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = node.func.value
                if (
                    isinstance(of, ast.Name)
                    and of.id in ("os", "shutil")
                    and node.func.attr in ANNOUNCED
                ):
                    found.add(str(path.relative_to(HOME)))
    assert found == {"statemachine/calls.py"}


def test_files_are_made_and_moved_by_no_other_way() -> None:
    """pathlib's own ways to change the disk are left to the few who make what a person asked for."""
    ways = {
        "write_text",
        "write_bytes",
        "touch",
        "unlink",
        "mkdir",
        "rename",
        "symlink_to",
        "rmdir",
    }
    found = set()
    for path in (*STATE_MACHINE, *EZREC, *HOOKS):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = node.func.value
                ours = isinstance(of, ast.Name) and of.id in ("calls", "files", "os")
                place = isinstance(of, ast.Attribute) and of.attr == "place"
                if node.func.attr in ways and not ours and not place:
                    found.add(str(path.relative_to(HOME)))
    assert found <= MADE_AT_ONCE | {"ezrec/config/table.py"}, found
