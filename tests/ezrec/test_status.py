"""`ezrec status`: the contract of its JSON, its text for people, its speed, and its end."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ezrec.config.sample import sample
from tests.ezrec.command_line import BIN, PLAIN, Site

KEYS = {
    *("id", "path", "state", "held", "stage", "progress", "attempt", "max_attempts"),
    *("reason", "markers"),
}
HEAVY = {
    "boto3",
    "botocore",
    "supabase",
    "av",
    "numpy",
    "fastapi",
    "watchdog",
    "transitions",
    "yaml",
}
UNNEEDED = {
    *("asyncio", "ctypes", "difflib", "email", "hashlib", "http", "importlib.metadata", "logging"),
    *("random", "shutil", "socket", "subprocess", "tempfile", "urllib.request"),
    *(f"ezrec.config.{name}" for name in ("document", "gather", "nodes", "sample", "settings")),
    *(
        f"ezrec.statemachine.{name}"
        for name in ("engine", "machine", "runner", "watcher", "worker")
    ),
    *(
        f"ezrec.statemachine.{name}"
        for name in ("commit", "judge", "reconcile", "repair", "nursery")
    ),
    *("ezrec.cli.naming", "ezrec.repair", "ezrec.station", "ezrec.way_out", "ezrec.why"),
}


def status(site: Site, *words: str) -> dict[str, Any]:
    done = site.ezrec("status", "--json", *words)
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_json_of_an_empty_root(site: Site) -> None:
    """The whole answer, when there is nothing."""
    assert status(site) == {
        "root": str(site.root),
        "daemon": {"running": False, "pid": None, "watching": None},
        "counts": {},
        "recordings": [],
    }
    done = site.ezrec("status")
    assert done.stdout.endswith("; no recordings yet\n") and done.stdout.count("\n") == 1


def test_json_of_recordings(site: Site) -> None:
    """Every key of the contract, of the kind it promises, whatever the recording's state."""
    site.footage("2026-11-23/b")
    site.footage("a")
    site.path("a", ".done").touch()
    site.path("a", ".hold").touch()
    site.path("bad name").mkdir()
    told = status(site)
    assert told["counts"] == {"idle": 1, "recorded": 1}
    rows = {row["id"]: row for row in told["recordings"]}
    assert list(rows) == ["2026-11-23/b", "a", "bad name"]
    assert all(set(row) >= KEYS for row in rows.values())
    held = rows["a"]
    assert (held["path"], held["state"], held["held"]) == (str(site.path("a")), "recorded", True)
    assert (held["stage"], held["attempt"], held["max_attempts"]) == ("merge", 0, 1)
    assert (held["markers"], held["progress"]) == ([".done", ".hold"], None)
    refused = rows["bad name"]
    assert (refused["state"], refused["markers"]) == (None, [])
    assert refused["reason"] and refused["mend"].startswith("mv ")


def test_json_of_work(site: Site) -> None:
    """The daemon, the stage, its progress, its attempt; after it the next retry and the reason."""
    site.configure("settle: 0\nstages:\n  merge: {attempts: 3, backoff: 10 min}\n")
    go = "echo ezrec:progress 42.5\nwhile [ ! -f go ]; do sleep 0.02; done\nexit 3\n"
    site.footage(merge=go)
    with site.daemon() as daemon:
        site.ezrec("push", "a", "recorded")
        site.wait("merging")
        while (row := status(site)["recordings"][0])["progress"] is None:
            pass
        assert (row["stage"], row["attempt"], row["max_attempts"]) == ("merge", 1, 3)
        assert (row["progress"], row["state"]) == (42.5, "merging")
        assert status(site)["daemon"] == {
            "running": True,
            "pid": daemon.pid,
            "watching": "inotify",
        }
        assert "merge 42 %, attempt 1 of 3" in site.ezrec("status").stdout
        site.path("a", "go").touch()
        site.wait("recorded")
        while (row := status(site)["recordings"][0])["retry_in"] is None:
            pass
    assert 0 < row["retry_in"] <= 900 and row["attempt"] == 1
    assert "merge.sh exited 3" in row["reason"]


def test_of_some(site: Site) -> None:
    """By id, bare name and path; an unknown one is 65."""
    site.footage("2026-11-23/b")
    site.footage("a")
    for words in ("b", "2026-11-23/b", str(site.path("2026-11-23", "b"))):
        assert [row["id"] for row in status(site, words)["recordings"]] == ["2026-11-23/b"]
    assert len(status(site, "a", "b")["recordings"]) == 2
    assert site.ezrec("status", "nobody").returncode == 65


_LOADED = """\
import json, sys, typing
sys.argv = ["ezrec", "--root", sys.argv[1], "status"]
from ezrec.cli import main
try:
    main()
finally:
    ours = [m for name, m in sys.modules.items() if name.startswith("ezrec.")]
    held = {each for module in ours for each in vars(module).values() if isinstance(each, type)}
    classes = {each for each in held if each.__module__.startswith("ezrec.")}
    tuples = {each for each in classes if hasattr(each, "_fields")}
    late = {
        each
        for each in tuples
        if any(isinstance(type_, typing.ForwardRef) for type_ in each.__annotations__.values())
    }
    told = {
        "modules": sorted(sys.modules),
        "dataclasses": sorted(c.__name__ for c in classes if hasattr(c, "__dataclass_fields__")),
        "tuples": sorted(c.__name__ for c in tuples),
        "late": sorted(c.__name__ for c in late),
    }
    print(json.dumps(told), file=sys.stderr)
"""
FINISHED = {f"done-{number}": (".completed",) for number in range(30)}
OPEN = {"a": (".done",), "b": (".completed",), "c": (".error",), "d": (".lock",), "e": ()}


def loaded(site: Site, recordings: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """What `ezrec status` has in its process when it has told of these recordings, in a root as
    `ezrec init` makes it."""
    (site.root / "ezrec.yaml").write_text(sample())
    for name, markers in recordings.items():
        place = site.footage(name)
        for marker in markers:
            place.joinpath(marker).touch()
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, str(site.root)],
        env=site.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "finished ones are not listed" in done.stdout
    told: dict[str, list[str]] = json.loads(done.stderr)
    return told


@pytest.mark.parametrize("others", [{}, OPEN], ids=["finished", "open"])
def test_a_look_loads_only_what_it_needs(site: Site, others: dict[str, tuple[str, ...]]) -> None:
    """`ezrec status` starts at once, whatever state recordings are in: no heavy library, nothing that
    acts, and where a station says nothing but its root, nothing of what settings are made from."""
    modules = set(loaded(site, FINISHED | others)["modules"])
    assert "ezrec.statemachine.decide" in modules
    assert not HEAVY & {name.partition(".")[0] for name in modules}
    assert not UNNEEDED & modules


def test_what_need_not_be_loaded_is_there() -> None:
    """The list names modules that there are: it can't pass because one was renamed."""
    assert [name for name in sorted(UNNEEDED) if find_spec(name) is None] == []


def test_a_look_makes_classes_that_cost_little(site: Site) -> None:
    """Most of what a start costs is the making of classes: a dataclass four times a named tuple, and that
    twice as much where its annotations are text, which is compiled."""
    told = loaded(site, FINISHED | OPEN)
    assert told["dataclasses"] == ["Lifecycle", "Scene"]
    assert "Snapshot" in told["tuples"] and told["late"] == []


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_watch_ends_with_130(site: Site, form: list[str]) -> None:
    """SIGINT is how one leaves; what was printed is whole."""
    site.footage()
    process = subprocess.Popen(
        [str(BIN / "ezrec"), "--root", str(site.root), "status", "--watch", *form],
        env=site.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in said
    if form:
        assert json.loads(first)["counts"] == {"idle": 1}


def test_a_reader_that_has_gone(site: Site) -> None:
    """`ezrec status --watch | head -1` ends, quietly."""
    site.footage()
    command = (
        f"{BIN / 'ezrec'} --root {site.root} status --watch | head -1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], env=site.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "1" and done.stderr == ""


def on_a_terminal(site: Site, *words: str, **variables: str) -> str:
    """What a command prints on a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**site.environment(), "TERM": "xterm", **variables}
        os.execve(BIN / "ezrec", ["ezrec", "--root", str(site.root), *words], environment)
    said = b""
    while select.select([terminal], [], [], 30)[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        said += chunk
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode()


def test_colour_on_a_terminal_only(site: Site) -> None:
    """And none where NO_COLOR or a dumb terminal says so."""
    site.footage().joinpath(".completed").touch()
    assert "\x1b[32m" in on_a_terminal(site, "status")
    assert "\x1b" not in on_a_terminal(site, "status", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(site, "status", TERM="dumb")
    assert "\x1b" not in site.ezrec("status").stdout


def test_a_mend_is_never_wrapped(site: Site) -> None:
    """However narrow the terminal: the command stands whole on one line, and works."""
    site.path("a directory with a rather long name, as people give them").mkdir()
    done = site.ezrec("status", variables={"COLUMNS": "40"})
    command = done.stdout.splitlines()[-1].strip()
    site.shell(command)
    assert status(site)["counts"] == {"idle": 1}


def test_a_link_to_the_root(site: Site) -> None:
    """A root may be reached by a link, and recordings by a path below either name."""
    site.footage()
    link = site.root.parent / "link"
    link.symlink_to(site.root)
    for start in (link, site.root):
        done = site.ezrec("--root", str(link), "status", str(start / "a"), rooted=False)
        assert (done.returncode, done.stderr) == (0, "") and "idle" in done.stdout


def test_a_site_with_a_stage_of_its_own(site: Site) -> None:
    """Its states are counted like any other."""
    site.configure(PLAIN + "  review: {after: merged, to: reviewed}\n")
    site.footage().joinpath(".reviewed").touch()
    assert status(site)["counts"] == {"reviewed": 1}


def test_one_unreadable_directory(site: Site, tmp_path: Path) -> None:
    """One bad recording never hides the others."""
    site.footage("b")
    (site.root / "loop").symlink_to(tmp_path)
    told = site.ezrec("status").stdout
    assert "1 idle, 1 refused" in told and f"rm {site.root}/loop" in told


def test_finished_recordings_are_counted_where_they_are_many(site: Site) -> None:
    """Up to twenty are listed; of more only the number is told, with the way to see them. JSON has all."""
    for number in range(20):
        site.path(f"done-{number:02}").mkdir()
        site.path(f"done-{number:02}", ".completed").touch()
    site.footage("open")
    site.path("open", ".error").touch()
    few = site.ezrec("status").stdout
    assert few.count("done-") == 20 and "--all" not in few
    site.path("done-20").mkdir()
    site.path("done-20", ".completed").touch()
    many = site.ezrec("status").stdout
    assert "21 completed, 1 failed" in many and "done-" not in many and "\nopen " in many
    assert "21 finished ones are not listed" in many and "status --all" in many
    assert site.ezrec("status", "--all").stdout.count("done-") == 21
    assert site.ezrec("status", "done-03").stdout.count("done-") == 1
    told = status(site)
    assert len(told["recordings"]) == 22
    assert told["counts"] == {"completed": 21, "failed": 1}
