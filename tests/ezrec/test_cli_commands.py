"""The commands, as they are typed: what they say, where they say it, and their exit codes."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from ezrec.cli.group import COMMANDS
from tests.ezrec.command_line import PLAIN, Site
from tests.waiting import wait_until

STATES = "idle, recording, recorded, merged, completed, merge_failed, failed"


def check_said(done: subprocess.CompletedProcess[str], code: int, out: str, err: str = "") -> None:
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(site: Site, command: str) -> None:
    """Every command explains itself, with an example and both common options, without a root."""
    done = site.ezrec(command, "--help", rooted=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: ezrec {command} " in done.stdout
    assert "--root DIR" in done.stdout and "--config FILE" in done.stdout
    if command != "watch":  # its page is the daemon's
        assert f"  ezrec {command}" in done.stdout.partition("Example")[2]


def test_help_of_all(site: Site) -> None:
    """All commands, each with its line; `-h` too."""
    done = site.ezrec("--help", rooted=False)
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert site.ezrec("-h", rooted=False).stdout == done.stdout
    assert site.ezrec("--version", rooted=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu"], "there is no command 'statsu' (did you mean status?)"),
        (["xyzzy"], "there is no command 'xyzzy'\n"),
        (["push", "a"], "Missing argument 'STATE'"),
        (["status", "--jsno"], "Did you mean"),
        (["push", "a", "mergd"], f"no state 'mergd' (did you mean merged?); one of {STATES}"),
        (["logs", "a", "mrege"], "no stage 'mrege' (did you mean merge?); one of capture, merge"),
        (["logs", "a", "../../x"], "no stage '../../x'"),
        (["graph", "--format", "dot"], "'dot' is not one of"),
        (["retry"], "Missing argument 'REC…'"),
    ],
)
def test_usage_errors(site: Site, words: list[str], said: str) -> None:
    """2, what is wrong and what was meant, on stderr."""
    site.footage()
    done = site.ezrec(*words)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["why", "x"],
        ["push", "x", "recorded"],
        ["retry", "x"],
        ["hold", "x"],
        ["release", "x"],
        ["stop", "x"],
        ["history", "x"],
        ["logs", "x"],
        ["status", "x"],
    ],
)
def test_an_unknown_recording(site: Site, words: list[str]) -> None:
    """65, and the command that lists those that are there, ready to be pasted."""
    done = site.ezrec(*words)
    said = f"ezrec: there is no recording 'x' in {site.root}\n       see: ezrec --root {site.root} status\n"
    check_said(done, 65, "", said)


def test_root_on_either_side_and_from_the_environment(site: Site) -> None:
    """`--root` before and after the command's name; EZREC_ROOT where neither says it."""
    site.footage()
    expected = site.ezrec("status", "--json").stdout
    root, config = str(site.root), str(site.path("ezrec.yaml"))
    for words in (
        ["status", "--json", "--root", root],
        ["--config", config, "status", "--json"],
        ["status", "--json", "--config", config],
        ["--root", "/nowhere", "status", "--json", "--root", root],
    ):
        assert site.ezrec(*words, rooted=False).stdout == expected
    told = site.ezrec("status", "--json", rooted=False, variables={"EZREC_ROOT": root}).stdout
    assert told == expected


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("2026-11-23/a", "/"),
        ("a", "/"),
        ("2026-11-23/a/", "/"),
        (".", "2026-11-23/a"),
        ("./", "2026-11-23/a"),
        ("./a", "2026-11-23"),
        ("a/", "2026-11-23"),
        ("../a", "2026-11-23/a"),
        ("root/2026-11-23/a", ".."),
        ("{root}/2026-11-23/a/", "/"),
        ("{root}/./2026-11-23//a", "/"),
    ],
)
def test_ways_to_name_a_recording(site: Site, text: str, where: str) -> None:
    """An id, a unique bare name, or a path from where one stands."""
    site.footage("2026-11-23/a")
    done = site.ezrec("why", text.format(root=site.root), cwd=site.root / where)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2026-11-23/a is idle.\n")


def test_a_bare_name_that_is_not_unique(site: Site) -> None:
    """Both are named, and nothing is done."""
    site.footage("2026-11-23/a")
    site.footage("2026-11-24/a")
    done = site.ezrec("hold", "a")
    check_said(done, 65, "", "ezrec: 'a' is 2026-11-23/a and 2026-11-24/a\n       say which\n")


def test_a_path_outside(site: Site) -> None:
    """What does not lie in the root is no recording of it."""
    assert site.ezrec("why", "/etc").returncode == 65
    assert site.ezrec("why", "..", cwd=site.root).returncode == 65


def test_push(site: Site) -> None:
    """By the state's name, its marker's, with and without the dot; the dry run says the same."""
    site.footage()
    hint = f"no daemon runs: ezrec --root {site.root} watch\n"
    dry = site.ezrec("push", "a", ".done", "--dry-run")
    check_said(dry, 0, "a: idle -> recorded\n", f"dry run, nothing is changed:\n{hint}")
    assert site.state() == "idle" and not site.path("a", "logs").exists()
    check_said(site.ezrec("push", "a", "done"), 0, dry.stdout, hint)
    again = "a: is recorded already, and begins anew\n"
    check_said(site.ezrec("push", "a", "recorded", "--reason", "why not"), 0, again, hint)
    assert "pushed to recorded" in site.ezrec("history", "a").stdout
    assert "why not" in site.ezrec("history", "a").stdout
    check_said(site.ezrec("push", "a", "idle"), 0, "a: recorded -> idle\n")
    assert [name for name in os.listdir(site.path("a")) if name.startswith(".")] == []


def test_push_onto_work(site: Site) -> None:
    """Work that runs is ended first, and that is said: by the dry run too."""
    site.footage(merge="while :; do sleep 0.05; done\n")
    with site.daemon():
        site.ezrec("push", "a", "recorded")
        wait_until(site.minded, 20)
        dry = site.ezrec("push", "a", "completed", "--dry-run")
        said = "a: merging -> completed, merge is ended\n"
        check_said(dry, 0, said, "dry run, nothing is changed:\n")
        assert site.state() == "merging"
        check_said(site.ezrec("push", "a", "completed"), 0, said)
    assert (site.state(), site.running()) == ("completed", [])


def test_retry(site: Site) -> None:
    """An error goes back; a finished one is 1; of several, each is tried."""
    site.footage("a", merge="exit 65\n")
    site.footage("b").joinpath(".completed").touch()
    site.ezrec("push", "a", "recorded")
    site.once()
    done = site.ezrec("retry", "b", "a")
    hint = f"no daemon runs: ezrec --root {site.root} watch\n"
    refused = "ezrec: b is completed: there is nothing to retry\n"
    check_said(done, 1, "a: recorded, tried again\n", refused + hint)
    nobody = f"""ezrec: there is no recording 'nobody' in {site.root}
       see: ezrec --root {site.root} status
"""
    check_said(site.ezrec("retry", "nobody", "b"), 65, "", nobody + refused)


def test_hold_release_and_stop(site: Site) -> None:
    """Each can be said twice, and says what is the case."""
    site.footage()
    check_said(site.ezrec("hold", "a", "--reason", "wait"), 0, "a: held\n")
    assert "wait" in site.path("a", ".hold").read_text()
    check_said(site.ezrec("hold", "a"), 0, "a: was held already\n")
    assert "wait" in site.path("a", ".hold").read_text()
    check_said(site.ezrec("release", "a"), 0, "a: released\n")
    check_said(site.ezrec("release", "a"), 0, "a: was not held\n")
    check_said(site.ezrec("stop", "a"), 0, "a: nothing runs\n")


def test_new(site: Site) -> None:
    """Its path on stdout; complete; it can be started at once."""
    done = site.ezrec(
        "new", "2026-11-23/x", "--seconds", "3", "--booking-id", "7", "--user-id", "u"
    )
    check_said(done, 0, f"{site.path('2026-11-23', 'x')}\n")
    told = json.loads(site.path("2026-11-23", "x", "recording.json").read_text())
    assert told == {"id": "2026-11-23/x", "seconds": 3.0, "booking_id": "7", "user_id": "u"}
    done = site.ezrec("new", "y", "--start-now")
    hint = f"no daemon runs: ezrec --root {site.root} watch\n"
    check_said(done, 0, f"{site.path('y')}\n", hint)
    assert site.state("y") == "recording" and site.path("y", ".lock").is_file()
    assert (site.once(), site.state("y"), site.state("2026-11-23/x")) == (0, "completed", "idle")


def test_new_with_a_date_for_a_name(site: Site) -> None:
    """A date holds recordings: what to say instead."""
    done = site.ezrec("new", "2026-11-23")
    assert done.returncode == 65 and "say 2026-11-23/NAME" in done.stderr


def test_history_and_logs(site: Site) -> None:
    """Words for people, the journal's lines for machines; a log by stage, or all of them."""
    site.footage(merge="echo merging it\n")
    check_said(site.ezrec("history", "a"), 0, "", "a: nothing yet\n")
    check_said(site.ezrec("logs", "a"), 0, "", "a: no hook has printed anything yet\n")
    check_said(site.ezrec("logs", "a", "upload"), 0, "", "a: upload has printed nothing yet\n")
    site.ezrec("push", "a", "recorded")
    site.once()
    told = site.ezrec("history", "a").stdout
    steps = ("pushed to recorded", "merge finished", "is merged", "upload finished", "is completed")
    places = [told.index(step) for step in steps]
    assert places == sorted(places)
    lines = json.loads(site.ezrec("history", "a", "--json").stdout)
    assert [line["state"] for line in lines if line["kind"] == "state"] == ["merged", "completed"]
    assert "merging it\n" in site.ezrec("logs", "a", "merge").stdout
    done = site.ezrec("logs", "a")
    assert "merging it\n" in done.stdout and "==> merge.log <==" in done.stderr


def test_history_of_a_copied_directory(site: Site) -> None:
    """The lines that came along are shown, and said to decide nothing."""
    site.footage()
    site.ezrec("push", "a", "recorded")
    site.once()
    subprocess.run(["cp", "-r", site.path("a"), site.path("b")], check=True)
    done = site.ezrec("history", "b")
    assert done.stdout == site.ezrec("history", "a").stdout
    count = len(done.stdout.splitlines())
    assert done.stderr == f"{count} of these came with a copy: they decide nothing here\n"


def test_a_link_that_bears_the_name_of_a_log_is_passed_over(site: Site) -> None:
    """What it leads to is not shown, and nothing is said of it."""
    site.footage(merge="exit 0\n")
    site.path("a", "logs").mkdir()
    site.path("a", "logs", "merge.log").write_text("one\n")
    site.path("secret").write_text("secret\n")
    site.path("a", "logs", "zzz.log").symlink_to("../../secret")
    done = site.ezrec("logs", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert "one\n" in done.stdout and "zzz" not in done.stdout


def test_logs_that_grow(site: Site) -> None:
    """`-f` waits for a log that is not there yet and goes on as it grows; 130 when interrupted."""
    site.footage(merge="echo one; while [ ! -f go ]; do sleep 0.02; done; echo two\n")
    command = ["ezrec", "--root", str(site.root), "logs", "a", "merge", "-f"]
    with subprocess.Popen(
        command, env=site.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None and follower.stderr is not None
        assert "merge has printed nothing yet" in follower.stderr.readline()
        with site.daemon():
            site.ezrec("push", "a", "recorded")
            seen = [follower.stdout.readline(), follower.stdout.readline()]
            assert seen[1] == "one\n"
            site.path("a", "go").touch()
            assert follower.stdout.readline() == "two\n"
            site.wait("completed")
        follower.send_signal(2)
        assert follower.wait(timeout=30) == 130


def test_hooks(site: Site) -> None:
    """Which serves which stage, on stdout; where was looked, on stderr; a missing one is 78."""
    done = site.ezrec("hooks", "--check")
    assert done.returncode == 0 and f"merge    {site.path('hooks', 'merge.sh')}" in done.stdout
    assert done.stderr.startswith(f"searched: {site.path('hooks')}, ")
    site.configure(PLAIN + "  review: {after: merged, to: reviewed}\n")
    assert site.ezrec("hooks").returncode == 0
    done = site.ezrec("hooks", "--check")
    assert done.returncode == 78 and "no hook serves 'review'" in done.stdout


def test_init(site: Site) -> None:
    """The root on stdout, what was made on stderr, and the next command; again: all is kept."""
    fresh = site.root.parent / "my root"
    done = site.ezrec("init", str(fresh), rooted=False)
    assert (done.returncode, done.stdout) == (0, f"{fresh}\n")
    assert done.stderr.count("made ") == 4
    assert f"next: ezrec --root '{fresh}' watch" in done.stderr
    fresh.joinpath("ezrec.yaml").write_text("settle: 1 s\n")
    before = fresh.joinpath(".ezrec-root").read_bytes()
    done = site.ezrec("init", str(fresh), rooted=False)
    assert (done.returncode, done.stderr.count("kept ")) == (0, 4)
    assert fresh.joinpath(".ezrec-root").read_bytes() == before
    assert fresh.joinpath("ezrec.yaml").read_text() == "settle: 1 s\n"


def test_init_here_and_by_option(site: Site) -> None:
    """Where one stands, unless an option or EZREC_ROOT names a root."""
    here, there = site.root.parent / "here", site.root.parent / "there"
    here.mkdir()
    assert site.ezrec("init", rooted=False, cwd=here).stdout == f"{here}\n"
    done = site.ezrec("--root", str(there), "init", rooted=False, cwd=here)
    assert done.stdout == f"{there}\n" and there.joinpath(".ezrec-root").is_file()


def test_init_of_a_directory_with_something_in_it(site: Site) -> None:
    """It is kept, and it is said what becomes of it."""
    old = site.root.parent / "old"
    (old / "monday").mkdir(parents=True)
    (old / "monday" / "x.mp4").write_text("footage")
    done = site.ezrec("init", str(old), rooted=False)
    assert done.returncode == 0
    assert "directories that were there, and are recordings now: 1\n" in done.stderr
    assert (old / "monday" / "x.mp4").read_text() == "footage"


def test_init_where_it_can_not_be(site: Site) -> None:
    """A file, and a place that nobody may write: 69, one sentence."""
    file = site.root.parent / "file"
    file.write_text("mine")
    done = site.ezrec("init", str(file), rooted=False)
    check_said(done, 69, "", f"ezrec: {file} is a file\n       name a directory\n")
    done = site.ezrec("init", "/proc/ezrec", rooted=False)
    assert (done.returncode, done.stdout) == (69, "") and done.stderr.count("\n") == 1
    assert file.read_text() == "mine"


@pytest.mark.parametrize("command", ["init", "demo"])
def test_a_root_that_no_configuration_could_name_is_not_made(site: Site, command: str) -> None:
    """Every later command would refuse its path: one sentence now, and nothing is left behind."""
    done = site.ezrec(command, str(site.root.parent / "a\x1bb"), rooted=False)
    said = f"ezrec: {site.root.parent}/a\\x1bb can't be written in a configuration\n"
    hint = "       choose a name of printable characters\n"
    check_said(done, 69, "", said + hint)
    assert not (site.root.parent / "a\x1bb").exists()


@pytest.mark.parametrize(
    ("behaviour", "code"), [("", 0), ("exit 75\n", 75), ("exit 65\n", 1), ("exit 78\n", 75)]
)
def test_watch_once(site: Site, behaviour: str, code: int) -> None:
    """0 when all is done, 75 when something waits, 1 when something failed."""
    site.footage(merge=behaviour)
    site.ezrec("push", "a", "recorded")
    assert site.once() == code


def test_a_second_daemon(site: Site) -> None:
    """75: the root has its daemon."""
    with site.daemon():
        done = site.ezrec("watch", "--once")
    assert done.returncode == 75 and f"another ezrec works on {site.root}" in done.stderr
    assert f"see: ezrec --root {site.root} status" in done.stderr


def test_new_takes_no_directory_that_is_there(site: Site) -> None:
    """Not even an empty one: somebody has just made it, and is about to fill it."""
    (site.root / "taken").mkdir()
    done = site.ezrec("new", "taken")
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("ezrec: there is a recording 'taken' already")
    assert list((site.root / "taken").iterdir()) == []
