"""The supervisor, with real hooks: limits, what is left behind, and who is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ezrec.statemachine import processes
from tests.statemachine.minding import WAITS, Minded, nurseries
from tests.waiting import wait_until


def test_p9_a_hook_over_its_limit_is_told_to_go(minded: Minded) -> None:
    """TERM first: it may finish what can be finished, but it was over its limit."""
    script = "trap 'echo going; exit 0' TERM; while :; do sleep 0.02; done"
    result = minded.run(minded.launch(script, limit=0.3))
    assert (result.exit, result.ended_by) == (0, "limit")
    assert "going" in minded.log()
    assert 0.3 <= result.seconds < 3


IGNORES = "trap '' TERM; while :; do sleep 0.02; done"


def test_p9_a_hook_that_ignores_term_is_killed(minded: Minded) -> None:
    """At limit + grace."""
    result = minded.run(minded.launch(IGNORES, limit=0.3, grace=0.3))
    assert (result.signal, result.ended_by) == (9, "limit")
    assert 0.6 <= result.seconds < 2


@pytest.mark.parametrize(
    ("script", "number"), [("kill -STOP $$", 15), ("trap '' TERM; kill -STOP $$; sleep 60", 9)]
)
def test_p9_a_hook_that_stops_itself_is_ended(minded: Minded, script: str, number: int) -> None:
    """SIGSTOP holds no hook beyond its limit and grace."""
    result = minded.run(minded.launch(script, limit=0.3, grace=0.3))
    assert result.ended_by == "limit" and result.signal == number
    assert result.seconds < 2


ESCAPES = [
    "setsid sh -c 'sleep 60 & echo $! > pids; wait' & sleep 0.2",
    "(setsid sleep 60 & echo $! > pids) & sleep 0.2",
    "env -i /usr/bin/setsid /bin/sh -c 'echo $$ > pids; exec /bin/sleep 60' & sleep 0.2",
    "(trap '' TERM HUP INT; echo $(exec sh -c 'echo $PPID') > pids; sleep 60) & sleep 0.2",
]


@pytest.mark.parametrize("script", ESCAPES)
def test_p9_nothing_that_a_hook_leaves_behind_survives(minded: Minded, script: str) -> None:
    """New sessions, double forks, a clean environment: when the hook has ended, all of it is gone."""
    launch = minded.launch(script)
    result = minded.run(launch)
    assert (result.exit, result.survivors) == (0, ())
    (pid,) = (minded.path / "pids").read_text().split()
    assert not Path(f"/proc/{pid}").exists()
    assert processes.bearing(launch.run) == []


def test_p9_who_leaves_its_group_is_killed_at_the_limit_too(minded: Minded) -> None:
    """TERM reaches the group only; the KILL after the grace reaches every descendant."""
    script = "setsid --wait sh -c \"trap '' TERM; sleep 60\"; sleep 60"
    launch = minded.launch(f"trap '' TERM; {script}", limit=0.2, grace=0.2)
    assert minded.run(launch).seconds < 2
    assert processes.bearing(launch.run) == []


def test_p9_a_background_child_that_holds_the_pipe_delays_nothing(minded: Minded) -> None:
    """The hook's main process has ended: that is the end."""
    result = minded.run(minded.launch("echo said; sleep 60 & exit 3"))
    assert result.exit == 3 and result.seconds < 3
    assert minded.log() == "said\n"


def test_p9_a_flood_is_capped_and_its_end_kept(minded: Minded) -> None:
    """100 MB of output: the log stays small, the last line is in it."""
    script = "head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; echo the last line"
    result = minded.run(minded.launch(script, cap=1 << 16), seconds=60)
    assert result.exit == 0
    log = minded.path / "logs" / "x.log"
    assert log.stat().st_size < (1 << 16) + (128 << 10) + 200
    assert log.read_text().endswith("x\nthe last line\n")
    assert "bytes of output left out here" in log.read_text()


def test_p9_a_flood_does_not_outlive_its_limit(minded: Minded) -> None:
    """Who only writes (progress, at that) is ended like any other."""
    script = "trap '' TERM; exec yes ezrec:progress 100"
    result = minded.run(minded.launch(script, limit=0.3, grace=0.3, cap=1 << 16))
    assert result.ended_by == "limit" and result.seconds < 3


def test_the_limit_is_for_all_commands(minded: Minded) -> None:
    """A limit that is over in the first leaves none for the second, even if the first ends with 0."""
    script = "trap 'exit 0' TERM; while :; do sleep 0.02; done"
    result = minded.run(minded.launch(script, "touch second", limit=0.3))
    assert result.ended_by == "limit"
    assert not (minded.path / "second").exists()


ORPHAN = "setsid sleep 60 & echo $! > pids; echo $$ >> pids; " + WAITS


def test_p1_the_supervisor_killed_takes_its_hook_along(minded: Minded) -> None:
    """Its hook dies with it; what that has started has gone when the lease comes free; no end is told
    that was none."""
    run = minded.start(minded.launch(ORPHAN))
    supervisor = minded.supervisor(run)
    pids = minded.path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not minded.leased())
    assert [pid for pid in pids.read_text().split() if Path(f"/proc/{pid}").exists()] == []
    assert minded.result(run) is None
    wait_until(lambda: minded.ended == {run: -9})


def test_p1_nursery_and_supervisor_killed_leave_what_bears_the_run(minded: Minded) -> None:
    """Nobody adopts it, and it holds no lease: it is found by the run's id and ended."""
    run = minded.start(minded.launch(ORPHAN))
    supervisor = minded.supervisor(run)
    pids = minded.path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    orphan, hook = map(int, pids.read_text().split())
    (nursery,) = nurseries()
    os.kill(nursery, signal.SIGKILL)
    wait_until(lambda: nursery not in nurseries())
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: hook not in processes.bearing(run))
    wait_until(lambda: not minded.leased())
    assert orphan in processes.bearing(run)
    assert processes.end(run) == []
    assert not Path(f"/proc/{orphan}").exists() or processes.stat_fields(orphan)[0] == "Z"
