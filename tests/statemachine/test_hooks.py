"""Which executable serves a stage, and what is wrong with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ezrec.statemachine.hooks import HookPath, problem_of

GOOD = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site's own hooks."""
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The program's."""
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture
def hooks(site: Path, own: Path) -> HookPath:
    """Both, the site's first."""
    return HookPath((site, own))


def put(path: Path, text: str = GOOD, mode: int = 0o755) -> Path:
    """A hook."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, newline="")
    path.chmod(mode)
    return path


def names(hooks: HookPath, name: str, below: Path) -> list[str]:
    """Where the hooks of this name were found."""
    return [str(hook.path.relative_to(below)) for hook in hooks.find(name)]


LOOKUPS = [
    ("the program's own", ["own/merge"], ["own/merge"]),
    ("the site's first", ["own/merge", "site/merge"], ["site/merge"]),
    ("the site's, whatever its suffix", ["own/merge", "site/merge.sh"], ["site/merge.sh"]),
    ("bare before .py", ["own/merge", "own/merge.py"], ["own/merge"]),
    (".py before .sh", ["own/merge.py", "own/merge.sh"], ["own/merge.py"]),
    (".sh", ["own/merge.sh"], ["own/merge.sh"]),
    ("no other suffix", ["own/merge.bak", "own/merge~", "own/merge.rb"], []),
    ("no other name", ["own/merge2", "own/pre-merge", "own/MERGE"], []),
    (
        "then NAME.d in name order",
        ["own/merge", "own/merge.d/20-b", "own/merge.d/10-a.py", "own/merge.d/9.sh"],
        ["own/merge", "own/merge.d/10-a.py", "own/merge.d/20-b", "own/merge.d/9.sh"],
    ),
    (
        "NAME.d of the site, then the program's",
        ["own/merge", "own/merge.d/1", "site/merge.d/2"],
        ["own/merge", "site/merge.d/2", "own/merge.d/1"],
    ),
    ("NAME.d alone", ["site/merge.d/1"], ["site/merge.d/1"]),
    (
        "no litter in NAME.d",
        ["own/merge.d/.x.swp", "own/merge.d/a~", "own/merge.d/a"],
        ["own/merge.d/a"],
    ),
]


@pytest.mark.parametrize(
    ("put_there", "found"),
    [pytest.param(there, found, id=words) for words, there, found in LOOKUPS],
)
def test_the_order_of_lookup(
    hooks: HookPath, site: Path, own: Path, put_there: list[str], found: list[str]
) -> None:
    """By stage name in each directory, the first wins; NAME.d comes after."""
    for name in put_there:
        put(site.parent / name)
    assert names(hooks, "merge", site.parent) == found


def test_a_directory_is_no_hook(hooks: HookPath, site: Path, own: Path) -> None:
    """A directory of the stage's name is passed over."""
    (site / "merge").mkdir()
    put(own / "merge")
    assert names(hooks, "merge", site.parent) == ["own/merge"]


def test_missing_directories_are_empty(tmp_path: Path) -> None:
    """A site without hooks of its own needs no directory; that nothing serves a stage is said."""
    hooks = HookPath((tmp_path / "nowhere",))
    assert hooks.find("merge") == ()
    assert "no hook serves 'merge'" in hooks.problem("merge")
    assert str(tmp_path / "nowhere") in hooks.problem("merge")
    assert "no hook" in HookPath(()).problem("merge")


def test_the_command_of_a_hook(hooks: HookPath, own: Path) -> None:
    """Python hooks run isolated with our own interpreter, all others by themselves."""
    put(own / "merge.py", "print(1)", 0o644)
    put(own / "upload.sh")
    assert hooks.find("merge")[0].command() == (sys.executable, "-I", str(own / "merge.py"))
    assert hooks.find("upload")[0].command() == (str(own / "upload.sh"),)


PROBLEMS = [
    ("good", "merge", GOOD, 0o755, ""),
    ("not executable", "merge", GOOD, 0o644, "is not executable: chmod +x"),
    ("not executable, a shell's", "merge.sh", GOOD, 0o600, "is not executable: chmod +x"),
    (
        "Windows line ends",
        "merge",
        "#!/bin/sh\r\nexit 0\r\n",
        0o755,
        "has Windows line ends: sed -i",
    ),
    (
        "its interpreter is missing",
        "merge",
        "#!/no/such/shell\n",
        0o755,
        "'/no/such/shell' is not there",
    ),
    ("no interpreter", "merge", "#!\n", 0o755, "its interpreter '' is not there"),
    ("no first line", "merge", "exit 0\n", 0o755, "begin it with #!/bin/sh"),
    ("empty", "merge", "", 0o755, "begin it with #!/bin/sh"),
    ("a byte order mark", "merge", "\ufeff#!/bin/sh\n", 0o755, "begin it with #!/bin/sh"),
    ("with arguments", "merge", "#! /bin/sh -e\n", 0o755, ""),
    ("a program", "merge", "\x7fELF", 0o755, ""),
    ("python needs no x", "merge.py", "print(1)", 0o644, ""),
    ("python with Windows line ends", "merge.py", "print(1)\r\n", 0o644, ""),
]


@pytest.mark.parametrize(
    ("name", "text", "mode", "words"), [pytest.param(*row[1:], id=row[0]) for row in PROBLEMS]
)
@pytest.mark.parametrize("where", ["first", "extra"])
def test_what_is_wrong_with_a_hook(
    hooks: HookPath, site: Path, name: str, text: str, mode: int, words: str, where: str
) -> None:
    """Found before anything runs, by name, with the mend; in NAME.d too."""
    if where == "extra":
        put(site / "merge")
        path = put(site / "merge.d" / name, text, mode)
    else:
        path = put(site / name, text, mode)
    problem = hooks.problem("merge")
    assert words in problem
    assert bool(problem) is bool(words)
    assert (str(path) in problem) is bool(words)


@pytest.mark.parametrize("where", ["merge", "merge.py", "merge.d/10-x"])
def test_a_dangling_link_is_a_problem(hooks: HookPath, site: Path, own: Path, where: str) -> None:
    """A hook that was a link to an unmounted disk is missed, not passed over."""
    put(own / "merge")
    (site / "merge.d").mkdir()
    (site / where).symlink_to("/nowhere/at/all")
    assert "can't be read" in hooks.problem("merge")
    assert str(site / where) in hooks.problem("merge")


def test_a_mend_can_be_pasted(site: Path) -> None:
    """Following the way out of `not executable` works."""
    path = put(site / "merge", GOOD, 0o644)
    mend = problem_of(path).partition(": ")[2]
    assert os.system(mend) == 0
    assert problem_of(path) == ""
    path = put(site / "merge", GOOD.replace("\n", "\r\n"))
    assert os.system(problem_of(path).partition(": ")[2]) == 0
    assert problem_of(path) == ""


def test_the_fingerprint_changes_when_a_hook_does(hooks: HookPath, site: Path, own: Path) -> None:
    """Put, mended, made executable, overruled, extended, taken away: each is a change; looking is none."""
    seen = [hooks.fingerprint("merge")]

    def changed() -> bool:
        seen.append(hooks.fingerprint("merge"))
        return seen[-1] != seen[-2]

    path = put(own / "merge", GOOD, 0o644)
    assert changed()
    assert not changed()
    path.chmod(0o755)
    assert changed()
    put(own / "merge", GOOD + "# mended\n")
    assert changed()
    put(site / "merge.sh")
    assert changed()
    put(site / "merge.d" / "1")
    assert changed()
    put(own / "upload")
    assert not changed()
    (site / "merge.sh").unlink()
    assert changed()
    assert len(hooks.fingerprint("upload")) == 16


def test_the_fingerprint_of_a_dangling_link(hooks: HookPath, site: Path, tmp_path: Path) -> None:
    """It changes when what it leads to is there again."""
    (site / "merge").symlink_to(tmp_path / "disk")
    before = hooks.fingerprint("merge")
    put(tmp_path / "disk")
    assert hooks.fingerprint("merge") != before
    assert hooks.problem("merge") == ""


def test_a_hook_that_is_a_fifo_is_a_problem_and_not_waited_for(hooks: HookPath, site: Path) -> None:
    """Behind a link: opened as a file, it would hold the engine for ever."""
    os.mkfifo(site / "pipe")
    (site / "merge").symlink_to("pipe")
    assert str(site / "merge") in hooks.problem("merge")
