"""The supervisor, with real hooks: what they are given, their ends, their output, their lease."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from ezrec.statemachine import processes, runs
from ezrec.statemachine.runner import ProcessRunner
from tests.statemachine.minding import WAITS, Minded
from tests.waiting import wait_until


@pytest.mark.parametrize("code", [0, 1, 65, 75, 78, 255])
def test_the_exit_code_is_taken_over(minded: Minded, code: int) -> None:
    """As the hook said it; the runner tells that the run has ended."""
    launch = minded.launch(f"exit {code}")
    result = minded.run(launch)
    assert (result.run, result.exit, result.signal) == (launch.run, code, None)
    assert (result.ended_by, result.survivors) == ("itself", ())
    assert minded.ended == {launch.run: 0}


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_a_signal_is_no_exit_code(minded: Minded, number: signal.Signals) -> None:
    """Which signal ended the hook."""
    result = minded.run(minded.launch(f"kill -{number.value} $$"))
    assert (result.exit, result.signal, result.ended_by) == (None, number.value, "itself")


def test_the_hook_gets_what_it_is_given(minded: Minded) -> None:
    """Environment, document, working directory: exactly those."""
    launch = minded.launch(
        ("/usr/bin/env",),
        environment={"EZREC_STAGE": "merge", "TEXT": "a b\n'c' é \udcff"},
    )
    os.environ["DAEMONS_SECRET"] = "s3cret"
    try:
        minded.run(launch)
    finally:
        del os.environ["DAEMONS_SECRET"]
    said = (minded.path / "logs" / "x.log").read_bytes().partition(b"\n")[2]
    expected = [os.fsencode(f"{key}={value}") for key, value in launch.environment.items()]
    assert said == b"\n".join(expected) + b"\n"


def test_the_document_arrives_on_stdin(minded: Minded) -> None:
    """Whole, however long, and it ends."""
    document = json.dumps({"text": "x" * 300_000})
    minded.run(minded.launch("cat > got; pwd", document=document))
    assert (minded.path / "got").read_text() == document
    assert minded.log().strip() == str(minded.path)


LEFT = r"""
ls -l /proc/self/fd | grep -c -- '->'
grep -E '^Sig(Blk|Ign)' /proc/self/status
"""


def test_the_hook_inherits_nothing_else(minded: Minded) -> None:
    """No descriptor (the lease's least of all) but 0, 1, 2 and ls's own; no ignored or blocked signal."""
    minded.run(minded.launch(LEFT))
    count, blocked, ignored = minded.log().splitlines()
    assert count == "4"
    assert int(blocked.split()[1], 16) == 0
    reachable = sum(1 << number - 1 for number in signal.valid_signals())  # libc keeps 32 and 33
    assert int(ignored.split()[1], 16) & reachable == 0


def test_the_hook_ignores_no_signal_that_the_daemon_was_started_with(tmp_path: Path) -> None:
    """`nohup ezrec watch &` in a script: HUP, INT and QUIT are ignored by the daemon; a hook has its own."""
    ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
    try:
        runner = ProcessRunner()
        minded = Minded(tmp_path / "rec", runner)
        ended = [minded.run(minded.launch(f"kill -{number.value} $$")) for number in ignored]
        assert [result.signal for result in ended] == list(ignored)
        runner.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_hook_that_closes_its_output_is_still_minded(minded: Minded) -> None:
    """A closed pipe is not an end."""
    result = minded.run(minded.launch("exec >&- 2>&-; sleep 0.3; exit 3"))
    assert result.exit == 3 and result.seconds >= 0.3


def test_progress_and_notes_are_taken_up(minded: Minded) -> None:
    """Seen by others while the hook runs; the notes are in the result."""
    script = "echo ezrec:progress 42.5; echo ezrec:note one camera; while [ ! -e go ]; do sleep 0.02; done"
    run = minded.start(minded.launch(script))
    wait_until(lambda: (p := minded.progress()) is not None and p.percent == 42.5)
    progress = minded.progress()
    assert progress is not None and progress.run == run
    assert progress.started == processes.start_time(progress.supervisor) > 0
    (minded.path / "go").touch()
    wait_until(lambda: minded.result(run))
    result = minded.result(run)
    assert result is not None and result.notes == ("one camera",)


def test_commands_run_one_after_the_other(minded: Minded) -> None:
    """Each in turn; the first that does not say 0 is the last."""
    result = minded.run(minded.launch("echo 1", "echo 2", "echo 3; exit 7", "echo 4"))
    assert (result.exit, result.command) == (7, "echo 3; exit 7")
    assert minded.log() == "1\n2\n3\n"


NOT_RUN = [
    ("missing", None, 127, "it, or the interpreter in its first line, is not there"),
    ("not executable", ("#!/bin/sh\n", 0o644), 126, "it is not executable (chmod +x)"),
    ("interpreter missing", ("#!/no/such/thing\n", 0o755), 127, "it, or the interpreter"),
    ("no format", ("plain text", 0o755), 126, "Exec format error"),
]


@pytest.mark.parametrize(
    ("made", "code", "words"), [pytest.param(*row[1:], id=row[0]) for row in NOT_RUN]
)
def test_what_cannot_be_run_is_said(
    minded: Minded, tmp_path: Path, made: tuple[str, int] | None, code: int, words: str
) -> None:
    """127 or 126, as a shell has it, and a sentence in the log."""
    hook = tmp_path / "hook"
    if made:
        hook.write_text(made[0])
        hook.chmod(made[1])
    result = minded.run(minded.launch((str(hook),)))
    assert result.exit == code
    assert f"can't run {hook}: " in minded.log() and words in minded.log()


def test_a_hook_that_is_being_written_is_put_off(minded: Minded, tmp_path: Path) -> None:
    """The kernel executes nothing that somebody still writes (ETXTBSY): that passes by itself, so the
    stage is not parked until its set-up changes."""
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    with hook.open("ab"):
        result = minded.run(minded.launch((str(hook),)))
    assert result.exit == runs.EX_TEMPFAIL
    assert result.notes == (f"can't run {hook}: Text file busy",)
    assert minded.run(minded.launch((str(hook),))).exit == 0


def test_an_environment_that_is_none_is_said(minded: Minded) -> None:
    """A NUL in a variable is the set-up's fault, in words."""
    result = minded.run(minded.launch("true", environment={"X": "a\0b"}))
    assert result.exit == 126
    assert "null byte" in minded.log()


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "fifo", "directory"])
def test_p13_a_log_that_is_none_is_not_written_to(minded: Minded, kind: str) -> None:
    """The output is lost, the hook is not, and nothing outside is touched."""
    outside = minded.path.parent / "outside"
    outside.write_bytes(b"precious")
    (minded.path / "logs").mkdir()
    target = minded.path / "logs" / "x.log"
    match kind:
        case "link":
            target.symlink_to(outside)
        case "dangling":
            target.symlink_to("../../made")
        case "hard link":
            os.link(outside, target)
        case "fifo":
            os.mkfifo(target)
        case _:
            target.mkdir()
    assert minded.run(minded.launch("echo said; exit 3")).exit == 3
    assert outside.read_bytes() == b"precious"
    assert sorted(os.listdir(minded.path.parent)) == ["outside", "rec"]


def test_without_status_no_end_is_written(minded: Minded) -> None:
    """Hooks that are told of a state leave no file behind for somebody to take up."""
    run = minded.start(minded.launch("exit 3", status=False))
    wait_until(lambda: run in minded.ended)
    assert minded.result(run) is None
    assert not any(name.startswith(".run-") for name in os.listdir(minded.path / "logs"))


def test_the_end_appears_whole(minded: Minded) -> None:
    """By rename, in place of what was reserved; only the result is left."""
    launch = minded.launch("true")
    minded.run(launch)
    assert sorted(os.listdir(minded.path / "logs")) == [".progress", f".run-{launch.run}", "x.log"]


def test_the_lease_is_held_while_the_hook_runs(minded: Minded) -> None:
    """Though the requester has closed its descriptor; and it is free when the end is written."""
    run = minded.start(minded.launch(WAITS))
    minded.supervisor(run)
    assert minded.leased()
    assert minded.result(run) is None
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())
    result = minded.result(run)
    assert result is not None and result.exit == 7


def test_term_to_the_supervisor_ends_the_hook_gracefully(minded: Minded) -> None:
    """The hook is given its grace, and what it says in it counts."""
    run = minded.start(minded.launch("trap 'echo bye; exit 5' TERM; touch up; " + WAITS))
    wait_until(lambda: (minded.path / "up").exists())
    os.kill(minded.supervisor(run), signal.SIGTERM)
    wait_until(lambda: minded.result(run))
    result = minded.result(run)
    assert result is not None
    assert (result.exit, result.ended_by) == (5, "signal")
    assert "bye\n" in minded.log()


def test_a_term_that_comes_at_once_is_not_lost(minded: Minded) -> None:
    """Told to stop while the hook is being started: no waiting for the grace to run out."""
    for _ in range(12):
        run = minded.start(minded.launch(WAITS, WAITS, grace=20))
        os.kill(minded.supervisor(run), signal.SIGTERM)
        wait_until(lambda run=run: minded.result(run), 8)  # type: ignore[misc]  # bound at once
        result = minded.result(run)
        assert result is not None and result.ended_by == "signal" and result.signal == 15
        wait_until(lambda: not minded.leased())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_terminals_signals_do_not_reach_the_supervisor(
    minded: Minded, number: signal.Signals
) -> None:
    """Ctrl-C in the daemon's terminal, or its end, stops no recording."""
    run = minded.start(minded.launch(WAITS))
    os.kill(minded.supervisor(run), number)
    (minded.path / "go").touch()
    wait_until(lambda: minded.result(run))
    result = minded.result(run)
    assert result is not None and (result.exit, result.ended_by) == (7, "itself")


@pytest.mark.parametrize("how", ["from the start", "later"])
def test_idle_priority(minded: Minded, how: str) -> None:
    """While a camera records the others get what is left: from the start, or when told so."""
    run = minded.start(minded.launch("sleep 60 & " + WAITS, idle=how == "from the start"))
    supervisor = minded.supervisor(run)
    if how == "later":
        os.kill(supervisor, signal.SIGUSR1)
    wait_until(lambda: all(map(_is_idle, processes.bearing(run))))
    (minded.path / "go").touch()
    wait_until(lambda: minded.result(run))


def _is_idle(pid: int) -> bool:
    try:
        return os.sched_getscheduler(pid) == os.SCHED_IDLE
    except ProcessLookupError:
        return True  # one of the short ones: it has ended


def test_a_log_that_grew_too_long_is_put_aside(minded: Minded) -> None:
    """32 MiB of log and a new one begins; the old one is kept once."""
    (minded.path / "logs").mkdir()
    with (minded.path / "logs" / "x.log").open("wb") as file:
        file.truncate((32 << 20) + 1)
    minded.run(minded.launch("echo new"))
    assert minded.log() == "new\n"
    assert (minded.path / "logs" / "x.log.1").stat().st_size > 32 << 20


def test_seconds_are_the_runs_own(minded: Minded) -> None:
    """How long it took, on a clock that does not jump."""
    began = time.monotonic()
    result = minded.run(minded.launch("sleep 0.2"))
    assert 0.2 <= result.seconds <= time.monotonic() - began
