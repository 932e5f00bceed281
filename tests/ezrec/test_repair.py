"""`ezrec repair`: what it finds, what it mends, and that a dry run says what the run does."""

from __future__ import annotations

import json
import os
import random
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ezrec.cli.group import Common, ezrec
from ezrec.statemachine import operate
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.scan import Found, scan
from tests.conftest import Figure
from tests.ezrec.wreckage import opened, wreck

Tree = dict[str, tuple[Any, ...]]


def tree(root: Path) -> Tree:
    """Everything below `root`: what it is, since when, and what it holds."""
    found: Tree = {}
    for home, directories, names in os.walk(root):
        for name in (".", *directories, *names):
            path = os.path.join(home, name)
            status = os.lstat(path)
            kept = (status.st_mode, status.st_ino, status.st_nlink, status.st_size)
            times = (status.st_mtime_ns, status.st_ctime_ns)
            found[path] = (*kept, *times, _content(path, status))
    return found


def _content(path: str, status: os.stat_result) -> bytes | str:
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    return Path(path).read_bytes() if stat.S_ISREG(status.st_mode) else b""


def footage(found: Tree) -> Counter[Any]:
    """The bytes of every camera's file, wherever it lies."""
    return Counter(row[-1] for path, row in found.items() if "camera_" in path.rsplit("/", 1)[1])


def repair(root: Path, *argv: str) -> Result:
    """The real command, in this process."""
    done = CliRunner().invoke(ezrec, ["--root", str(root), "repair", *argv], obj=Common())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


def left_to_mend(root: Path) -> list[dict[str, Any]]:
    """What a further repair would still do."""
    told = json.loads(repair(root, "--json", "--dry-run").stdout)
    return [row for row in told["mends"] if row["by"] == "ezrec"]


def settle_all(root: Path) -> None:
    """What a daemon does when it comes by, without starting anything."""
    with opened(root) as world:
        for met in list(scan(world.root)):
            if isinstance(met, Found):
                try:
                    operate.settle(world, met.id)
                except StateMachineError:
                    continue  # held, with something odd in it


def check(root: Path) -> int:
    """One wrecked root through all that is promised; how many things were told."""
    before = tree(root)
    dry = repair(root, "--dry-run")
    assert tree(root) == before
    done = repair(root)
    assert done.stdout == dry.stdout
    assert done.exit_code == dry.exit_code
    assert left_to_mend(root) == []
    assert footage(tree(root)) == footage(before)
    settle_all(root)
    once = tree(root)
    settle_all(root)
    assert tree(root) == once
    assert footage(once) == footage(before)
    return len(done.stdout.splitlines())


def test_p17_a_dry_run_of_repair_says_exactly_what_the_run_does(
    tmp_path: Path, long: bool, figure: Figure
) -> None:
    """Over roots that are broken by chance: the same lines and exit code, not a byte changed by the dry
    run, nothing left to mend after the run, all footage there, and a daemon that finds it at rest."""
    faults: Counter[str] = Counter()
    trees, told = 3000 if long else 60, 0
    for seed in range(trees):
        root = tmp_path / str(seed) / "root"
        faults.update(wreck(root, random.Random(seed)))
        try:
            told += check(root)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    figure("P17 repair: broken roots tried", trees)
    figure("P17 repair: faults put in", f"{faults.total()} of {len(faults)} kinds")
    figure("P17 repair: lines told", told)
    figure("P17 repair: lines that differ between dry run and run", 0)
