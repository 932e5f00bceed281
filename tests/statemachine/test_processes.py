"""Finding and ending what a run has started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ezrec.statemachine import processes
from ezrec.statemachine.runs import new_run_id
from tests.waiting import wait_until

Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Starts a shell script that bears a run's id; all are ended afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str, run: str = "none") -> subprocess.Popen[bytes]:
        given = {"PATH": os.environ["PATH"], processes.RUN_VARIABLE: run}
        started.append(subprocess.Popen(["/bin/sh", "-c", script], env=given))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


SLEEPS = "while :; do sleep 0.05; done"


def test_what_bears_a_run_is_found(spawn: Spawn) -> None:
    """By the whole id, in whatever session; not by a part of it, nor another's."""
    run = new_run_id()
    ours = spawn(f"setsid sh -c '{SLEEPS}' & {SLEEPS}", run)
    other = spawn(SLEEPS, run + "x")
    wait_until(lambda: ours.pid in processes.bearing(run) and len(processes.bearing(run)) >= 2)
    assert other.pid not in processes.bearing(run)
    assert processes.bearing(run[:-1]) == []
    assert processes.end(run) == []
    assert processes.bearing(run) == []
    assert other.poll() is None


def test_a_zombie_is_no_survivor(spawn: Spawn) -> None:
    """What has ended and is only not collected yet holds nothing up."""
    run = new_run_id()
    process = spawn("exit 0", run)
    wait_until(lambda: processes.stat_fields(process.pid)[0] == "Z")
    assert processes.bearing(run) == []
    assert process.pid not in processes.descendants(os.getpid())


def test_end_ends_what_forks_on(spawn: Spawn) -> None:
    """A run that keeps starting processes is ended all the same."""
    run = new_run_id()
    spawn("while :; do sleep 60 & sleep 0.005; done", run)
    wait_until(lambda: len(processes.bearing(run)) > 10)
    assert processes.end(run) == []
    assert processes.bearing(run) == []


def test_end_of_an_unknown_run_ends_nothing(spawn: Spawn) -> None:
    """No process of another run is touched."""
    process = spawn(SLEEPS, new_run_id())
    assert processes.end(new_run_id()) == []
    assert process.poll() is None


def test_descendants_are_found_across_sessions(spawn: Spawn) -> None:
    """Children and theirs, also in sessions of their own."""
    process = spawn("setsid sh -c 'sleep 60 & wait' & wait")
    wait_until(lambda: len(processes.descendants(process.pid)) >= 2)
    for pid in processes.descendants(process.pid):
        processes.kill(pid)


def test_a_signal_goes_to_exactly_that_process(spawn: Spawn) -> None:
    """Another that got the same pid later is left alone."""
    process = spawn(SLEEPS)
    started = processes.start_time(process.pid)
    assert started > 0
    assert not processes.signal_exactly(process.pid, started + 1, signal.SIGKILL)
    assert not processes.signal_exactly(process.pid, 0, signal.SIGKILL)
    assert process.poll() is None
    assert processes.signal_exactly(process.pid, started, signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert not processes.signal_exactly(process.pid, started, signal.SIGTERM)


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1, 2**31, 2**64, 10**30])
def test_a_pid_that_is_none_is_gone(pid: int) -> None:
    """Whatever a hook has written into the progress file."""
    assert processes.signal_exactly(pid, 1, signal.SIGTERM) is False
    assert processes.start_time(pid) == 0
    assert processes.stat_fields(pid) == []


def test_a_hostile_command_name_does_not_shift_the_fields(tmp_path: Path) -> None:
    """A program called `) Z 1 (` is read as what it is."""
    program = tmp_path / ") Z 1 ("
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "60"])
    try:
        wait_until(lambda: b") Z 1 (" in Path(f"/proc/{process.pid}/stat").read_bytes())
        assert processes.stat_fields(process.pid)[0] in "SR"
        assert processes.stat_fields(process.pid)[1] == str(os.getpid())
        assert process.pid in processes.descendants(os.getpid())
    finally:
        process.kill()
        process.wait()


def test_kill_answers(spawn: Spawn) -> None:
    """False where the process is gone."""
    process = spawn(SLEEPS)
    assert processes.kill(process.pid)
    process.wait(10)
    assert not processes.kill(process.pid)
