"""The runner and its nursery: who asks may die, who starts may die, the run goes on."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ezrec.statemachine import files, processes, runner, runs
from ezrec.statemachine.errors import RunnerUnavailable, StartUncertain
from ezrec.statemachine.messages import Message, send
from ezrec.statemachine.runner import ProcessRunner
from tests.statemachine.minding import Minded, in_threads, no_more_threads, nurseries
from tests.waiting import wait_until

WAITS = "while [ ! -e go ]; do sleep 0.02; done; exit 7"

REQUESTER = f"""
import sys, time
from ezrec.statemachine import files
from ezrec.statemachine.runner import ProcessRunner
from ezrec.statemachine.runs import Launch
fd = files.open_directory(sys.argv[1])
assert files.try_lock(fd)
ProcessRunner().start(Launch(
    run=sys.argv[2], commands=(("/bin/sh", "-c", {WAITS!r}),),
    environment={{"PATH": sys.argv[3], "EZREC_RUN_ID": sys.argv[2]}},
    document="{{}}", log="x.log", title="t", limit=30.0, grace=1.0), fd)
print("started", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_p1_a_run_outlives_who_asked_for_it(minded: Minded, number: signal.Signals) -> None:
    """The daemon killed: the hook runs on under its lease, and its exit status is written."""
    run = runs.new_run_id()
    arguments = [sys.executable, "-c", REQUESTER, str(minded.path), run, os.environ["PATH"]]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"started\n"
        supervisor = minded.supervisor(run)
        os.killpg(daemon.pid, number)
        daemon.wait(10)
    assert minded.leased()
    assert processes.start_time(supervisor) > 0
    assert minded.result(run) is None
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())
    result = minded.result(run)
    assert result is not None and (result.exit, result.ended_by) == (7, "itself")


def test_p1_a_run_outlives_the_nursery(minded: Minded) -> None:
    """The nursery killed in the middle: the supervisor goes on, and the next start works."""
    run = minded.start(minded.launch(WAITS))
    minded.supervisor(run)
    (nursery,) = nurseries()
    os.kill(nursery, signal.SIGKILL)
    wait_until(lambda: nursery not in nurseries())
    other = Minded(minded.path.parent / "other", minded.runner)
    assert other.run(other.launch("exit 3")).exit == 3
    assert minded.leased()
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())
    result = minded.result(run)
    assert result is not None and result.exit == 7


def test_a_nursery_killed_before_the_start_is_replaced(minded: Minded) -> None:
    """Each time: starting costs one more process, nothing else."""
    for code in (1, 2, 3):
        assert minded.run(minded.launch(f"exit {code}")).exit == code
        (nursery,) = nurseries()
        os.kill(nursery, signal.SIGKILL)
        wait_until(lambda: nurseries() == [])


def test_closing_ends_no_run(minded: Minded) -> None:
    """Runs that are going on go on, and the nursery until they have ended; a start after closing is
    served all the same."""
    run = minded.start(minded.launch(WAITS))
    minded.supervisor(run)
    minded.runner.close()
    minded.runner.close()
    assert len(nurseries()) == 1
    assert minded.leased()
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())
    wait_until(lambda: nurseries() == [])
    assert minded.result(run) is not None
    assert minded.run(minded.launch("exit 4")).exit == 4


def test_p11_a_nursery_that_dies_of_a_request_is_told_of(
    minded: Minded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when it has the request and before we have gone on: nobody knows whether it has forked, so the
    end of the run is told as lost; else it would be waited for for ever."""
    assert minded.run(minded.launch("exit 0")).exit == 0
    (nursery,) = nurseries()

    def send_and_kill(sock: socket.socket, message: Message, fds: tuple[int, ...]) -> None:
        os.kill(nursery, signal.SIGSTOP)  # so that it can't answer first
        send(sock, message, fds)
        os.kill(nursery, signal.SIGKILL)
        wait_until(lambda: not any(t.name == "ezrec-nursery" for t in threading.enumerate()))

    monkeypatch.setattr(runner, "send", send_and_kill)
    launch = minded.launch("exit 0")
    with pytest.raises(StartUncertain):
        minded.start(launch)
    assert minded.ended[launch.run] == runner.LOST


def test_without_a_thread_for_it_nothing_is_started(minded: Minded) -> None:
    """That is known, so the attempt does not count; nothing is left behind, and the next start works."""
    before = len(os.listdir("/proc/self/fd"))
    with no_more_threads(), pytest.raises(RunnerUnavailable, match="can't start new thread"):
        minded.start(minded.launch("touch begun"))
    assert nurseries() == []
    assert len(os.listdir("/proc/self/fd")) == before
    assert not minded.leased()
    assert minded.run(minded.launch("exit 4")).exit == 4
    assert not (minded.path / "begun").exists()


def sockets(pid: int) -> int:
    """How many a process has open."""
    there = Path(f"/proc/{pid}/fd")
    return sum(
        os.path.realpath(fd).rpartition("/")[2].startswith("socket:") for fd in there.glob("*")
    )


def test_without_room_for_a_spare_the_nursery_goes_on(minded: Minded) -> None:
    """It makes the next supervisor ahead of time only where it can: the one that runs still needs it."""
    run = minded.start(minded.launch(WAITS))
    supervisor = minded.supervisor(run)
    (nursery,) = nurseries()
    wait_until(lambda: len(processes.children(nursery)) == 2)
    wait_until(lambda: sockets(nursery) == 2)  # its own, and the spare's
    (spare,) = set(processes.children(nursery)) - {supervisor}
    taken = set(map(int, os.listdir(f"/proc/{nursery}/fd")))
    free = min(set(range(len(taken) + 1)) - taken)
    _, hard = resource.prlimit(nursery, resource.RLIMIT_NOFILE)
    resource.prlimit(nursery, resource.RLIMIT_NOFILE, (free, hard))
    os.kill(spare, signal.SIGKILL)
    wait_until(lambda: sockets(nursery) == 1)
    # nothing tells that it has tried in vain and gone to sleep again
    lulls = time.monotonic() + 0.2
    wait_until(lambda: nursery not in nurseries() or time.monotonic() > lulls)
    (minded.path / "go").touch()
    wait_until(lambda: run in minded.ended)
    assert minded.ended == {run: 0}
    assert nurseries() == [nursery]


def test_many_at_once(minded: Minded) -> None:
    """Starts from several threads: each run ends under its own id, in its own directory."""
    places = [minded.path.parent / f"r{number}" for number in range(12)]
    launches = [minded.launch(f"exit {number}") for number in range(12)]

    def start(number: int) -> None:
        places[number].mkdir()
        with files.directory(places[number]) as fd:
            assert files.try_lock(fd)
            minded.runner.start(launches[number], fd)

    in_threads(12, start)
    wait_until(lambda: len(minded.ended) == 12)
    for number, place in enumerate(places):
        with files.directory(place) as fd:
            result = runs.read_result(fd, launches[number].run)
        assert result is not None and result.exit == number
    assert len(nurseries()) == 1


def test_a_run_that_could_not_be_minded_is_told(minded: Minded) -> None:
    """Where no end can be written (`logs` is a file), the runner tells the errno and nothing was run."""
    (minded.path / "logs").touch()
    launch = minded.launch("touch ran")
    run = minded.start(launch)
    wait_until(lambda: run in minded.ended)
    assert minded.ended[run] == 20
    assert not minded.leased()
    assert os.listdir(minded.path) == ["logs"]


def test_the_end_of_a_run_that_notes_much_is_read(minded: Minded) -> None:
    """Twenty notes of three hundred emojis: what ended well is not taken for a death."""
    line = "ezrec:note " + "\N{MOVIE CAMERA}" * 300
    result = minded.run(minded.launch(f"for i in $(seq 20); do echo '{line}'; done"))
    assert result.exit == 0
    assert len(result.notes[-1]) == 300


def test_a_large_launch_arrives(minded: Minded) -> None:
    """A document and an environment of a megabyte, with any character."""
    document = json.dumps({"text": "é\udcff" * 200_000})
    minded.run(minded.launch("cat > got", document=document))
    assert (minded.path / "got").read_text() == document


def test_a_runner_that_was_never_used_costs_nothing() -> None:
    """No process before the first start; closing it is harmless."""
    runner = ProcessRunner()
    before = nurseries()
    runner.close()
    assert nurseries() == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "5",
        "[]",
        "{}",
        "{",
        "[" * 60_000,
        '{"run": "r"}',
        '{"run": "r", "exit": "0"}',
        '{"run": "s", "exit": 0}',
        '{"run": 5, "exit": 0}',
        "1" * 5000,
        "\xff",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_an_end_that_is_none_is_none(tmp_path: Path, text: str) -> None:
    """What a hook may have scribbled into its own files is no end, and no exception."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / ".run-r").write_text(text, encoding="latin-1")
    (tmp_path / "logs" / ".progress").write_text(text, encoding="latin-1")
    with files.directory(tmp_path) as fd:
        assert runs.read_result(fd, "r") is None
        assert runs.read_progress(fd) is None


@pytest.mark.parametrize("value", ["null", "5", '"x"', "[1]", "{}"])
@pytest.mark.parametrize("key", ["notes", "survivors"])
def test_an_end_with_odd_fields_is_still_an_end(tmp_path: Path, key: str, value: str) -> None:
    """The exit code counts; a list that is none is empty."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / ".run-r").write_text(f'{{"run": "r", "exit": 3, "{key}": {value}}}')
    with files.directory(tmp_path) as fd:
        result = runs.read_result(fd, "r")
    assert result is not None and result.exit == 3


def test_a_run_is_forgotten(minded: Minded) -> None:
    """When its end is journaled its files go; the log stays; twice is harmless."""
    launch = minded.launch("true")
    minded.run(launch)
    with minded.opened() as fd:
        runs.forget(fd, launch.run)
        runs.forget(fd, launch.run)
    assert os.listdir(minded.path / "logs") == ["x.log"]


def test_p11_a_nursery_that_does_not_answer_is_not_asked_twice(
    minded: Minded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have forked already: a second one with the same lease would run the hook twice at once."""
    silent = tmp_path / "silent"
    silent.write_text('#!/bin/sh\necho >> "$0.asked"\nexec sleep 300\n')
    silent.chmod(0o755)
    launch = minded.launch("echo x >> started")
    with monkeypatch.context() as patched, pytest.raises(StartUncertain):
        patched.setattr(sys, "executable", str(silent))  # what a nursery is started with
        minded.start(launch)
    wait_until(lambda: not minded.leased())
    assert (tmp_path / "silent.asked").read_text() == "\n"
    assert minded.result(launch.run) is None
    assert not (minded.path / "started").exists()
    assert minded.run(minded.launch("exit 4")).exit == 4


def test_p11_a_stopped_nursery_is_woken(minded: Minded) -> None:
    """By the next run that is asked for; nothing of what it minds is lost."""
    assert minded.run(minded.launch("exit 0")).exit == 0
    (nursery,) = nurseries()
    os.kill(nursery, signal.SIGSTOP)
    assert minded.run(minded.launch("exit 4")).exit == 4
    assert nurseries() == [nursery]


def _spares(nursery: int) -> list[int]:
    """The supervisors that the nursery has forked and that wait for a run."""
    return processes.descendants(nursery)


def test_the_next_supervisor_waits_before_it_is_asked_for(minded: Minded) -> None:
    """One, and the run is minded by just that one."""
    minded.run(minded.launch("exit 1"))
    (nursery,) = nurseries()
    wait_until(lambda: len(_spares(nursery)) == 1)
    (spare,) = _spares(nursery)
    run = minded.start(minded.launch(WAITS))
    assert minded.supervisor(run) == spare
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())


def test_p1_a_spare_that_was_killed_is_nobodys_loss(minded: Minded) -> None:
    """The nursery may be asked before it has heard of that: the run is begun by another one."""
    minded.run(minded.launch("exit 1"))
    (nursery,) = nurseries()
    for code in (2, 3, 4):
        wait_until(lambda: len(_spares(nursery)) == 1)
        os.kill(nursery, signal.SIGSTOP)
        os.kill(_spares(nursery)[0], signal.SIGKILL)
        wait_until(lambda: not _spares(nursery))
        os.kill(nursery, signal.SIGCONT)
        assert minded.run(minded.launch(f"exit {code}")).exit == code


@pytest.mark.parametrize("by", [signal.SIGKILL, None], ids=["killed", "closed"])
def test_no_spare_is_left_behind(minded: Minded, by: signal.Signals | None) -> None:
    """It goes when its nursery goes."""
    minded.run(minded.launch("exit 1"))
    (nursery,) = nurseries()
    wait_until(lambda: len(_spares(nursery)) == 1)
    (spare,) = _spares(nursery)
    if by is None:
        minded.runner.close()
    else:
        os.kill(nursery, by)
    wait_until(lambda: processes.start_time(spare) == 0)


@contextmanager
def asked_directly() -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    """A nursery whose answers nobody reads, as of a daemon that has just been killed."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-m", "ezrec.statemachine.nursery", str(theirs.fileno())]
    with subprocess.Popen(
        command, pass_fds=(theirs.fileno(),), stderr=subprocess.DEVNULL, start_new_session=True
    ) as nursery:
        theirs.close()
        try:
            yield ours, nursery
        finally:
            ours.close()


def test_p1_a_nursery_outlives_a_daemon_that_has_not_read_its_answers(minded: Minded) -> None:
    """The kernel tells of that with ECONNRESET: the runs are minded to their end all the same."""
    launch = minded.launch(WAITS)
    with asked_directly() as (ours, nursery):
        with minded.opened() as fd:
            assert files.try_lock(fd)
            send(ours, launch._asdict(), (fd,))
        supervisor = minded.supervisor(launch.run)
        wait_until(lambda: select.select([ours], [], [], 0)[0])
        ours.close()
        wait_until(lambda: "S" in processes.stat_fields(nursery.pid)[:1])
        assert processes.stat_fields(supervisor)[1] == str(nursery.pid)
        (minded.path / "go").touch()
        assert nursery.wait(10) == 0
    result = minded.result(launch.run)
    assert result is not None and result.exit == 7


def test_p1_a_daemon_killed_in_the_middle_of_a_request_leaves_no_lease(minded: Minded) -> None:
    """The descriptor comes with the first byte: what has begun nothing must not keep the recording
    for as long as the nursery minds another run."""
    other = Minded(minded.path.parent / "other", minded.runner)
    launch = minded.launch(WAITS)
    with asked_directly() as (ours, nursery):
        with minded.opened() as fd:
            assert files.try_lock(fd)
            send(ours, launch._asdict(), (fd,))
        minded.supervisor(launch.run)
        with other.opened() as fd:
            assert files.try_lock(fd)
            socket.send_fds(ours, [(1000).to_bytes(4, "big")], [fd])
        ours.close()
        wait_until(lambda: not other.leased())
        assert minded.leased()
        (minded.path / "go").touch()
        assert nursery.wait(10) == 0


def test_p3_a_nursery_without_room_for_a_process_refuses_and_lives(minded: Minded) -> None:
    """EMFILE: what can't be begun is told of, at once, and nothing that is minded is let go of."""
    run = minded.start(minded.launch(WAITS))
    minded.supervisor(run)
    (nursery,) = nurseries()
    wait_until(lambda: len(_spares(nursery)) > len(_below(minded, run)))
    _, most = resource.prlimit(nursery, resource.RLIMIT_NOFILE)
    resource.prlimit(nursery, resource.RLIMIT_NOFILE, (3, most))
    other = Minded(minded.path.parent / "other", minded.runner)
    with pytest.raises(RunnerUnavailable, match="Too many open files"):
        other.start(other.launch("touch ran"))
    assert not other.leased() and not (other.path / "ran").exists()
    resource.prlimit(nursery, resource.RLIMIT_NOFILE, (most, most))
    assert nurseries() == [nursery]
    assert other.run(other.launch("exit 3")).exit == 3
    (minded.path / "go").touch()
    wait_until(lambda: not minded.leased())


def _below(minded: Minded, run: str) -> list[int]:
    """A supervisor, and what its hook has started."""
    supervisor = minded.supervisor(run)
    return [supervisor, *processes.descendants(supervisor)]
