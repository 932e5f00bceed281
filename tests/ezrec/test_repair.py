"""`ezrec repair`: what it finds, what it mends, and that a dry run says what the run does."""

from __future__ import annotations

import json
import os
import random
import re
import stat
import subprocess
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ezrec import create
from ezrec.cli.group import Common, ezrec
from ezrec.statemachine import operate
from ezrec.statemachine.scan import Found, scan
from tests.conftest import Figure
from tests.console import REPOSITORY
from tests.ezrec.station_fixture import Folder
from tests.ezrec.wreckage import opened, wreck
from tests.meanwhile import synced

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


def _inside(found: Tree, place: Path) -> Tree:
    return {path: row for path, row in found.items() if path.startswith(f"{place}/")}


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
            if isinstance(met, Found) and not (root / met.id / ".hold").exists():
                operate.settle(world, met.id)


def check(root: Path) -> tuple[int, int]:
    """One wrecked root through all that is promised; how many lines were told, and how many differ."""
    before = tree(root)
    dry = repair(root, "--dry-run")
    assert tree(root) == before
    done = repair(root)
    lines, rehearsed = done.stdout.splitlines(), dry.stdout.splitlines()
    different = sum(a != b for a, b in zip_longest(lines, rehearsed))
    assert different == 0, (rehearsed, lines)
    assert done.exit_code == dry.exit_code
    after = tree(root)
    for hold in root.rglob(".hold"):
        assert _inside(after, hold.parent) == _inside(before, hold.parent)
    assert left_to_mend(root) == []
    assert footage(tree(root)) == footage(before)
    settle_all(root)
    once = tree(root)
    settle_all(root)
    assert tree(root) == once
    assert footage(once) == footage(before)
    return len(lines), different


def test_p17_a_dry_run_of_repair_says_exactly_what_the_run_does(
    tmp_path: Path, long: bool, figure: Figure
) -> None:
    """Over roots that are broken by chance: the same lines and exit code, not a byte changed by the dry
    run, nothing left to mend after the run, all footage there, and a daemon that finds it at rest."""
    faults: Counter[str] = Counter()
    trees, told, differ = 1500 if long else 36, 0, 0
    for seed in range(trees):
        root = tmp_path / str(seed) / "root"
        faults.update(wreck(root, random.Random(seed)))
        try:
            lines, different = check(root)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        told, differ = told + lines, differ + different
    figure("P17 repair: broken roots tried", trees)
    figure("P17 repair: faults put in", f"{faults.total()} of {len(faults)} kinds")
    figure("P17 repair: lines told", told)
    figure("P17 repair: lines that differ between dry run and run", differ)


def test_the_table_in_the_docs_is_true(tmp_path: Path) -> None:
    """Each phrase stands in the code that says it, and each line that is said has its row."""
    page = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    phrases = re.findall(r"^\| `([^`]+)` \| (?:ezrec|person|nobody) \|", page, re.MULTILINE)
    homes = (
        "statemachine/mends",
        "statemachine/repair",
        "statemachine/nested",
        "statemachine/scan",
    )
    code = "".join((REPOSITORY / f"{h}.py").read_text() for h in (*homes, *_OURS))
    placed = ("is stale", "it is merged, but", "it is completed, but", "recording.json is")
    assert [each for each in phrases if each not in code and each not in placed] == []
    for seed in range(10_000, 10_016):
        root = tmp_path / str(seed) / "root"
        wreck(root, random.Random(seed))
        for row in json.loads(repair(root, "--json").stdout)["mends"]:
            line = f"{row['wrong']}: {row['done']}"
            assert any(each in line for each in phrases), line


_OURS = ("ezrec/repair", "ezrec/leftovers")


def test_json_is_a_contract(folder: Folder) -> None:
    """The same things as in the text, each with who mends it; a dry run says that it is one."""
    folder.drop("match-17", ".done", ".merged", ".lock")
    told = json.loads(folder.ezrec("repair", "--json", "--dry-run").stdout)
    assert told == {
        "root": str(folder.root),
        "dry_run": True,
        "mends": [
            {
                "where": "match-17",
                "wrong": "more than one marker stands there",
                "done": "it is recorded; removed: .merged, .lock",
                "by": "ezrec",
                "command": None,
            }
        ],
    }
    assert folder.markers("match-17") == {".done", ".merged", ".lock"}


def test_a_backup_of_hard_links_does_not_stop_a_station(folder: Folder) -> None:
    """`cp -al` gives every marker and the journal a second link: they are renewed, the state stays."""
    place = folder.drop("match-17", ".done")
    folder.ezrec("push", "match-17", "recorded")
    subprocess.run(["cp", "-al", place, folder.site / "backup"], check=True)
    assert "can't be taken" in folder.ezrec("status").stdout
    before = (place / "logs" / "journal").read_bytes()
    done = folder.ezrec("repair", code=0)
    assert "no file with one link" in done.stdout and ".ezrec-aside.done" in done.stdout
    assert (place / "logs" / "journal").read_bytes() == before
    assert (folder.site / "backup" / "logs" / "journal").read_bytes() == before
    with folder.daemon():
        folder.wait_for("match-17", ".completed")


def test_what_runs_or_is_held_is_left_alone(folder: Folder) -> None:
    """With a daemon at work: said, and nothing is touched in it; the stage ends as it would have."""
    folder.close_gate("merge")
    with folder.daemon():
        folder.drop("match-17", ".done")
        folder.wait_for_call("start", "merge")
        folder.drop("match-18", ".done", ".merged", ".hold")
        done = folder.ezrec("repair", code=0)
        assert "match-17: it is being worked on: left alone" in done.stdout
        assert "match-18: an operator holds it (.hold): left alone" in done.stdout
        assert "a daemon works on this root" in done.stderr
        assert folder.markers("match-17") == {".done", ".lock"}
        folder.open_gate("merge")
        folder.wait_for("match-17", ".completed")
    assert folder.markers("match-18") == {".done", ".merged"}
    assert len(folder.calls("start", "merge")) == 1


def test_what_is_being_written_is_left_alone(folder: Folder) -> None:
    """A file grows while `repair` looks: that recording is not judged."""
    folder.configure("settle: 1 s\n")
    place = folder.drop("match-17", ".lock")
    asked = subprocess.Popen(
        ["sh", "-c", "while :; do printf x; sleep 0.05; done >> camera_0.mp4"], cwd=place
    )
    try:
        done = folder.ezrec("repair", code=0)
    finally:
        asked.kill()
        asked.wait()
    assert done.stdout == "match-17: something is being written into it: left alone\n"
    assert folder.markers("match-17") == {".lock"}


def test_a_new_name_is_brought_to_the_disk(folder: Folder) -> None:
    """What was said to be renamed does not bear its old name again after a power cut."""
    folder.drop("bad name")
    with synced() as inodes:
        assert "it is renamed bad-name" in repair(folder.root).stdout
    assert folder.root.stat().st_ino in inodes


def test_what_is_being_made_is_left_alone(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ezrec new` has built a recording and not named it yet when `repair` comes by."""
    put, said = create._put, []

    def come_by(*arguments: Any) -> None:
        said.append(repair(folder.root).output)
        put(*arguments)

    monkeypatch.setattr(create, "_put", come_by)
    new = ["--root", str(folder.root), "new", "match-17"]
    made = CliRunner().invoke(ezrec, new, obj=Common())
    assert (made.exit_code, said) == (0, ["nothing is wrong\n"]), made.output
    assert (folder.root / "match-17" / "recording.json").exists()


def test_a_state_that_claims_what_is_not_there(folder: Folder) -> None:
    """Merged without a sound video: merged again where there is footage, by hand where there is none."""
    folder.drop("match-17", ".merged")
    folder.drop("match-18", ".merged", files=("notes.txt",))
    (folder.drop("match-19", ".merged") / "merged.mp4").write_bytes(b"garbage")
    done = folder.ezrec("repair", code=1)
    assert (
        "match-17: it is merged, but there is no merged.mp4: it goes back to recorded"
        in done.stdout
    )
    assert "match-18: it is merged, but there is no merged.mp4; and there is nothing" in done.stdout
    assert "match-19: it is merged, but merged.mp4 is no sound video" in done.stdout
    assert folder.markers("match-17") == folder.markers("match-19") == {".done"}
    assert folder.markers("match-18") == {".merged"}


def test_a_root_that_is_not_writable_is_one_sentence(folder: Folder) -> None:
    """A dry run looks all the same; the run says what is in the way. As a user who may not write."""
    folder.drop("match-17", ".done", ".merged")
    mount = f"mount --bind {folder.root} {folder.root} && mount -o remount,ro,bind {folder.root} && exec "
    prefix = ("unshare", "-m", "sh", "-c", mount + '"$@"', "sh") if os.geteuid() == 0 else ()
    if not prefix:  # no mounts without root: the owner takes the right away from himself
        folder.root.chmod(0o555)
    try:
        assert (
            "match-17: more than one" in folder.ezrec("repair", "--dry-run", prefix=prefix).stdout
        )
        done = folder.ezrec("repair", code=69, prefix=prefix)
    finally:
        folder.root.chmod(0o755)
    assert done.stdout == ""
    assert f"ezrec: the root {folder.root} can't be written" in done.stderr
    assert folder.markers("match-17") == {".done", ".merged"}


def test_a_recording_one_level_too_deep_is_said(folder: Folder) -> None:
    """`status`, `why` and `repair` name it, and the command that takes it out; that one works."""
    folder.drop("cup/final", ".done")
    told = "final in it bears a marker, one level too deep: it is never looked at there"
    command = f"mv -nT -- {folder.root}/cup/final {folder.root}/final"
    for words, code in (("status", 0), ("why cup", 0), ("repair", 1)):
        done = folder.ezrec(*words.split(), code=code)
        assert told in " ".join(done.stdout.split()) and command in done.stdout, words
    subprocess.run(["sh", "-c", command], check=True)
    assert folder.row("final")["state"] == "recorded"
    assert folder.row("cup")["reason"] is None


def test_a_refused_name_is_meant_by_a_path_too(folder: Folder) -> None:
    """As it stands in the root, and however a shell completes it from where one stands."""
    folder.drop("bad name", ".done")
    for text in ("bad name", f"{folder.root}/bad name", os.path.relpath(folder.root / "bad name")):
        done = folder.ezrec("repair", "--dry-run", text, code=0)
        assert "it is renamed bad-name" in done.stdout, text
    folder.ezrec("repair", f"{folder.root}/bad name/", code=0)
    assert folder.markers("bad-name") == {".done"}


def test_what_is_no_recording_is_not_said_to_be_well(folder: Folder) -> None:
    """Nothing was looked at: that is a mistake, as it is for every other command."""
    folder.drop("2026-11-23/match-17", ".done")
    (folder.root / "2026-11-23" / "match-17" / "inner").mkdir()
    for text in ("hooks", "2026-11-23", "2026-11-23/match-18", "2026-11-23/match-17/inner"):
        done = folder.ezrec("repair", "--dry-run", text, code=65)
        assert (done.stdout, text in done.stderr) == ("", True), text
        assert "nothing is wrong" not in done.stderr


def test_control_characters_reach_no_terminal(folder: Folder) -> None:
    """A name from the disk is shown, never obeyed."""
    folder.drop("a\x1b[2Jb", ".done")
    done = folder.ezrec("repair", code=0)
    assert "\x1b" not in done.stdout
    assert "it is renamed a-2Jb" in done.stdout
    assert folder.markers("a-2Jb") == {".done"}
