"""`ezrec watch`: one daemon on a root, its limits, `--once`, its signals, and what it tells systemd."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.ezrec.station_fixture import FOOTAGE, Folder, environment_of
from tests.waiting import wait_until


def test_a_second_daemon_is_refused(folder: Folder) -> None:
    """Exit 75 and a sentence; the first one works on."""
    with folder.daemon():
        with folder.daemon(wait=False) as second:
            assert second.wait() == 75
        assert f"another ezrec works on {folder.root}" in second.log
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")


def test_a_merge_limit_of_one_is_kept(folder: Folder) -> None:
    """Three drops at once: their merges run one after the other, each once."""
    for name in ("one", "two", "three"):
        folder.drop(name, ".done")
    with folder.daemon():
        for name in ("one", "two", "three"):
            folder.wait_for(name, ".completed")
    told = folder.calls(hook="merge")
    assert [call.what for call in told] == ["start", "end"] * 3
    assert all(first.run == second.run for first, second in list(pairwise(told))[::2])


def test_the_limit_holds_over_a_restart(folder: Folder) -> None:
    """A merge that goes on from the last daemon counts."""
    folder.close_gate("merge")
    folder.drop("a-first", ".done")
    with folder.daemon() as daemon:
        folder.wait_for_call("start", "merge")
        folder.drop("b-second", ".done")
        daemon.kill()
    with folder.daemon():
        folder.drop("c-third", ".done")
        wait_until(lambda: folder.markers("b-second") == {".done"})
        wait_until(lambda: folder.states("c-third") == ["recorded"])
        assert len(folder.calls("start", "merge")) == 1
        folder.open_gate("merge")
        for name in ("a-first", "b-second", "c-third"):
            folder.wait_for(name, ".completed")
    assert [call.what for call in folder.calls(hook="merge")] == ["start", "end"] * 3


def schedulers(folder: Folder, stage: str) -> set[int]:
    """The CPU schedulers of the processes that do this stage."""
    told = f"EZREC_HOOK={stage}".encode()
    mine = [pid for pid in folder.processes() if told in environment_of(pid)]
    return {scheduler for pid in mine if (scheduler := _scheduler(pid)) is not None}


def _scheduler(pid: int) -> int | None:
    try:
        return os.sched_getscheduler(pid)
    except ProcessLookupError:
        return None  # it has ended since it was listed


def test_while_a_capture_runs_a_merge_runs_at_idle_priority(folder: Folder) -> None:
    """One that is running already is put there, and so is one that is begun; the capture is not."""
    folder.configure("stages: {merge: {limit: 2}}")
    folder.close_gate("merge")
    folder.close_gate("capture")
    with folder.daemon():
        folder.drop("before", ".done")
        folder.wait_for_call("start", "merge")
        assert schedulers(folder, "merge") == {os.SCHED_OTHER}
        folder.drop("capture", ".lock", files=[])
        folder.wait_for_call("start", "capture")
        wait_until(lambda: schedulers(folder, "merge") == {os.SCHED_IDLE})
        folder.drop("after", ".done")
        folder.wait_for_call("start", "merge", times=2)
        wait_until(lambda: schedulers(folder, "merge") == {os.SCHED_IDLE})
        assert schedulers(folder, "capture") == {os.SCHED_OTHER}
        folder.open_gate("merge")
        folder.open_gate("capture")
        for name in ("before", "capture", "after"):
            folder.wait_for(name, ".completed")


def test_a_capture_goes_first(folder: Folder) -> None:
    """Merges wait in a queue, a capture does not wait for them."""
    folder.close_gate("merge")
    folder.close_gate("capture")
    folder.drop("a", ".done")
    folder.drop("b", ".done")
    folder.drop("z", ".lock", files=[])
    with folder.daemon():
        folder.wait_for_call("start", "merge")
        folder.wait_for_call("start", "capture")
        begun = {name: folder.journal(name, "attempt") for name in ("a", "b", "z")}
        merges = [line["up"] for line in (*begun["a"], *begun["b"])]
        assert len(merges) == 1 and begun["z"][0]["up"] <= merges[0]
        folder.open_gate("capture")
        folder.open_gate("merge")
        for name in ("a", "b", "z"):
            folder.wait_for(name, ".completed")


def test_once_ends_with_0_when_all_is_done(folder: Folder) -> None:
    """An empty root, and one with work in it."""
    folder.ezrec("watch", "--once", code=0)
    folder.drop("match", ".done")
    folder.ezrec("watch", "--once", code=0)
    assert folder.markers("match") == {".completed"}


def test_once_ends_with_75_when_something_waits(folder: Folder) -> None:
    """An upload that says 'not now'; another that is parked. It waits for neither."""
    folder.configure("stages: {upload: {backoff: 10 min}}")
    folder.hook("upload.sh", "exit 75\n")
    folder.drop("match", ".done")
    folder.ezrec("watch", "--once", code=75)
    assert folder.markers("match") == {".merged"}
    folder.ezrec("watch", "--once", code=75)
    assert len(folder.calls("start", "upload")) == 1


def test_once_ends_with_75_when_something_is_parked(folder: Folder) -> None:
    """The set-up of a stage is wrong: it says so."""
    folder.hook("upload.sh", "exit 78\n")
    folder.drop("match", ".done")
    ended = folder.ezrec("watch", "--once", code=75)
    assert "upload is parked" in ended.stderr


def test_once_ends_with_1_when_something_failed(folder: Folder) -> None:
    """In this run: the next one finds it failed already, and ends with 0."""
    folder.hook("merge.sh", "exit 65\n")
    folder.drop("bad", ".done")
    folder.ezrec("watch", "--once", code=1)
    assert folder.markers("bad") == {".error"}
    folder.ezrec("watch", "--once", code=0)


def test_once_waits_for_a_drop_that_is_settling(folder: Folder) -> None:
    """It is copied while --once runs, and completed by it."""
    place = folder.drop("match", ".done", files=[])
    with (
        (place / "camera_0.mp4").open("wb", buffering=0) as video,
        folder.daemon("--once") as daemon,
    ):
        for _ in range(8):
            video.write(FOOTAGE)
            time.sleep(0.1)  # as a slow cp would
        assert daemon.wait() == 0
    assert folder.markers("match") == {".completed"}
    assert (place / "camera_0.mp4").stat().st_size == 8 * len(FOOTAGE)


def test_a_good_configuration_is_taken_on_sighup(folder: Folder) -> None:
    """A shorter settling time and a new stage take effect; what runs goes on."""
    folder.configure("settle: 10 min")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        wait_until(lambda: folder.row("match")["reason"])
        folder.hook("review.sh", "say end\n")
        folder.configure("stages: {review: {after: merged, to: reviewed}}")
        daemon.process.send_signal(signal.SIGHUP)
        folder.wait_for("match", ".completed")
        assert daemon.said("the configuration was read again")
    assert folder.states("match") == ["recorded", "merged", "reviewed", "completed"]


def test_a_reload_leaves_what_runs_alone(folder: Folder) -> None:
    """A capture goes on over SIGHUP, and its end is taken up."""
    folder.close_gate("capture")
    with folder.daemon() as daemon:
        folder.drop("match", ".lock", files=[])
        folder.wait_for_call("start", "capture")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log.count("watching") == 2)
        folder.open_gate("capture")
        folder.wait_for("match", ".completed")
    assert [call.what for call in folder.calls(hook="capture")] == ["start", "end"]
    assert len(folder.journal("match", "attempt")) == 3


def test_a_bad_configuration_is_refused_on_sighup(folder: Folder) -> None:
    """The old one stays in force; file, line and key are named, of each fault."""
    with folder.daemon() as daemon:
        (folder.root / "ezrec.yaml").write_text("settle: 0.3 s\nsettel: 5 s\nscan_every: often\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log.count("watching") == 2)
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
    assert daemon.said("ezrec.yaml:2: settel: there is no such setting")
    assert daemon.said("ezrec.yaml:3: scan_every: ")
    assert daemon.said("the old one stays in force")


class Listener:
    """A notify socket as systemd has it."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}
        self._told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def told(self) -> list[str]:
        """All that was told until now, oldest first."""
        while True:
            try:
                self._told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self._told

    def told_of(self, word: str) -> int:
        return sum(word in each for each in self.told())


@pytest.fixture
def listener(folder: Folder) -> Iterator[Listener]:
    made = Listener(folder.site / "notify")
    yield made
    made._socket.close()


def test_systemd_is_told(folder: Folder, listener: Listener) -> None:
    """READY, WATCHDOG again and again, RELOADING and READY on SIGHUP, STOPPING at the end."""
    with folder.daemon(environment=listener.environment) as daemon:
        wait_until(lambda: listener.told_of("WATCHDOG=1") >= 2)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: listener.told_of("READY=1") == 2)
        assert daemon.terminate() == 0
    told = [word.split("=")[0] for word in listener.told() if word != "WATCHDOG=1"]
    assert told == ["READY", "RELOADING", "READY", "STOPPING"]
    (reloading,) = [word for word in listener.told() if word.startswith("RELOADING=1")]
    assert reloading.split("\n")[1].removeprefix("MONOTONIC_USEC=").isdigit()


def test_a_watchdog_that_makes_no_sense_is_none(folder: Folder, listener: Listener) -> None:
    """Somebody's environment is no reason to record nothing."""
    with folder.daemon(environment={**listener.environment, "WATCHDOG_USEC": "1 s"}) as daemon:
        wait_until(lambda: listener.told_of("READY=1"))
        assert daemon.terminate() == 0
    assert listener.told_of("WATCHDOG=1") == 0


def test_p03_a_daemon_without_descriptors_goes_on_under_systemd(
    folder: Folder, listener: Listener
) -> None:
    """EMFILE: the watchdog is fed all the same, and when there is room again, work goes on."""
    folder.configure("scan_every: 1 s\n")
    with folder.daemon(environment=listener.environment) as daemon:
        pid = daemon.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most))
        fed = listener.told_of("WATCHDOG=1")
        folder.drop("match", ".done")
        wait_until(lambda: listener.told_of("WATCHDOG=1") >= fed + 8)
        assert daemon.log.count("can't be listed") == 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        folder.wait_for("match", ".completed", seconds=20)
        assert daemon.terminate() == 0


def test_a_reload_in_the_middle_of_one_that_is_refused(folder: Folder, listener: Listener) -> None:
    """The second SIGHUP comes while the first one's configuration is read: the daemon goes on."""
    with folder.daemon(environment=listener.environment) as daemon:
        (folder.root / "ezrec.yaml").write_text("settel: 5 s\n" * 2000)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: listener.told_of("RELOADING=1") == 1)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: listener.told_of("RELOADING=1") == 2)
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        assert daemon.terminate() == 0


def test_a_stop_in_the_middle_of_a_reload_is_heard(folder: Folder, listener: Listener) -> None:
    """SIGTERM while the configuration is being read again."""
    with folder.daemon(environment=listener.environment) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: listener.told_of("RELOADING=1"))
        assert daemon.terminate() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_daemon_ends_at_once_and_what_runs_goes_on(
    folder: Folder, number: signal.Signals
) -> None:
    """Exit 0 within two seconds, in the middle of a merge; the next daemon takes up its end."""
    folder.close_gate("merge")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        folder.wait_for_call("start", "merge")
        daemon.process.send_signal(number)
        assert daemon.process.wait(timeout=2) == 0
    assert folder.processes() != []
    folder.open_gate("merge")
    with folder.daemon():
        folder.wait_for("match", ".completed")
    assert len(folder.calls("start", "merge")) == 1
