"""What the disk or the machine refuses at one moment, with the doubles: what it costs, what is said of it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sys
from pathlib import Path
from typing import cast

import pytest

from ezrec.statemachine import calls, files, journal, make_root, operate
from ezrec.statemachine.errors import RunnerUnavailable
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.markers import How
from ezrec.statemachine.place import Place
from ezrec.statemachine.runs import Launch
from ezrec.statemachine.view import case_of
from ezrec.statemachine.world import World
from tests.meanwhile import is_waiting, meanwhile
from tests.statemachine.scripted import END, OUTPUTS, WALLS, Site, site
from tests.waiting import wait_until


def test_p16_a_run_goes_on_though_the_beginning_of_the_journal_is_lost(tmp_path: Path) -> None:
    """The line that told the state is damaged, or too long ago to be read: the marker is believed, and
    is not taken for one that an operator has dropped on the work."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        recording = made.drop("x")
        made.until(lambda: bool(made.runner.running()))
        book = recording / journal.DIRECTORY / journal.NAME
        first, *rest = book.read_bytes().splitlines(keepends=True)
        assert journal.decode(first)[0]["state"] == "recorded"
        looks = made.engine.world.clock.seconds() + 30
        book.write_bytes(b"".join(rest))
        made.until(lambda: made.clock.seconds() > looks)
        made.runner.finish(made.runner.running()[0], 0, OUTPUTS["merge"])
        made.until((recording / ".merged").exists)
        kinds = [line[0] for line in made.trace("x")]
        assert "cancel" not in kinds and "push" not in kinds


def test_what_the_daemon_could_not_write_of_itself_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`ezrec status` would have it starting for ever. What keeps it from that is said once."""
    make_root(tmp_path / "root")
    there = tmp_path / "root" / ".ezrec" / "daemon.json"
    there.mkdir()
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        started = made.clock.seconds()
        made.until(lambda: made.clock.seconds() > started + 60)
        there.rmdir()
        made.until(there.is_file)
        assert json.loads(there.read_text())["watching"] == "inotify"
    assert sum("own state" in record.message for record in caplog.records) == 1


class _FailingSync:
    """The fsync that follows the renaming of a marker to `marker` fails, once."""

    def __init__(self) -> None:
        self.marker = ""
        self._fd = -1
        sys.addaudithook(self._meet)

    def _meet(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != calls.EVENT or not self.marker:
            return
        if arguments[0] == "rename_new" and arguments[3] == self.marker:
            self._fd = cast(int, arguments[1])
        elif arguments[:2] == ("sync", self._fd):
            self.marker = ""
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_p04_a_state_whose_fsync_failed_is_told_when_it_is_journaled(tmp_path: Path) -> None:
    """The commit is cut off behind the rename: the next look takes the state up, and tells of it, once."""
    failing = _FailingSync()
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        (made.root / "hooks" / "on_merged.py").write_text("# never run\n")
        failing.marker = ".merged"
        made.drop("x")
        made.until(lambda: made.trace("x")[-1:] == [END])
        assert failing.marker == ""
        told = [launch for launch in made.runner.launches if launch.log == "on_merged.log"]
        assert len(told) == 1
        assert list((made.root / ".ezrec" / "tells").iterdir()) == []


class _Overtaken(Journal):
    """A journal that is read just when whoever holds the lease carries the recording on."""

    def __init__(self, place: Place, world: World) -> None:
        super().__init__(place.fd, world.root.id, world.clock)
        self._carried_on = False
        self._marked = place

    def read(self) -> list[dict[str, object]]:
        if not self._carried_on:
            self._carried_on = True
            self.append("ended", durable=True, to="merged", result="finished", run="0" * 32)
            self._marked.rename(".done", ".merged")
            self.append("state", durable=False, state="merged", marker=".merged", how="finished")
            self.append("attempt", durable=True, run="1" * 32, stage="upload", state="merged")
        return super().read()


def test_p11_work_that_goes_on_under_a_lease_is_no_push(tmp_path: Path) -> None:
    """The markers were listed before a commit and the journal read after it: of one moment they have to be,
    or another daemon would end what runs."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    recording, world = made.drop("x"), made.engine.world
    with world.root.opened("x") as fd:
        place = Place(fd, world.lifecycle)
        book = Journal(fd, world.root.id, world.clock)
        book.append("state", durable=False, state="recorded", marker=".done", how="find")
        case = case_of(world, "x", place, _Overtaken(place, world), leased=True)
    assert (recording / ".merged").exists()
    assert (case.resolution.how, case.state) == (How.SETTLED, "merged")
    made.engine.close()


def test_p02_a_retry_that_was_told_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can't be brought there the operator hears of it, and it was none."""
    made = Site(tmp_path / "root", {}, WALLS["2038"])
    made.drop("x")
    operate.retry(made.engine.world, "x", "me")

    def refuse(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "sync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        operate.retry(made.engine.world, "x", "me")
    monkeypatch.undo()
    assert [line[0] for line in made.trace("x")] == ["retry"]
    operate.retry(made.engine.world, "x", "me")
    assert [line[0] for line in made.trace("x")] == ["retry", "retry"]
    made.engine.close()


def test_a_state_that_can_not_be_told_just_now_is_told_by_the_same_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing more need happen to it; and what keeps it from being told is said once."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        (made.root / "hooks" / "on_completed.py").write_text("# never run\n")
        refused: list[str] = []
        start = made.runner.start

        def refuse(launch: Launch, fd: int) -> None:
            if launch.log == "on_completed.log" and len(refused) < 5:
                refused.append(launch.run)
                raise RunnerUnavailable("no process is to be had", "it is tried again")
            start(launch, fd)

        made.runner.start = refuse  # type: ignore[method-assign]
        made.drop("x")
        made.until(lambda: len(refused) == 5)
        made.until(lambda: made.runner.launches[-1].log == "on_completed.log")
        assert len(set(refused)) == 1
        said = [record.message for record in caplog.records if "told later" in record.message]
        assert len(said) == 1


def test_p03_an_end_that_can_not_be_read_just_now_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMFILE, EIO: the run ended well, and it is no attempt that was killed."""
    read = files.read
    failed: list[str] = []

    def unreadable(dir_fd: int, name: str, limit: int) -> bytes:
        if name.startswith(".run-") and len(failed) < 3:
            failed.append(name)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return read(dir_fd, name, limit)

    monkeypatch.setattr(files, "read", unreadable)
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        recording = made.drop("x")
        made.until((recording / ".completed").exists)
        assert len(failed) == 3
        assert [line[4] for line in made.trace("x") if line[0] == "ended"] == ["finished"] * 2


@pytest.mark.parametrize(
    ("code", "results"),
    [(errno.EIO, ["postponed", "finished", "finished"]), (errno.EMFILE, ["finished", "finished"])],
)
def test_p03_an_output_that_can_not_be_read_is_no_attempt(
    tmp_path: Path, code: int, results: list[str]
) -> None:
    """What the disk does not give back is made anew; what the machine is short of is waited for."""
    failing = [OSError(code, os.strerror(code))]

    def verify(_stage: str, _fd: int) -> str:
        if failing:
            raise failing.pop()
        return ""

    with site(tmp_path / "root", {}, WALLS["2038"], verify) as made:
        recording = made.drop("x")
        made.until((recording / ".completed").exists)
        assert [line[4] for line in made.trace("x") if line[0] == "ended"] == results
        assert {line[3] for line in made.trace("x") if line[0] == "attempt"} == {1}


def test_p03_a_run_that_no_hook_was_started_for_is_no_attempt(tmp_path: Path) -> None:
    """A full disk keeps the supervisor from beginning: put off, said, and not counted."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        made.runner.script = lambda _launch: None
        recording = made.drop("x")
        for times in range(1, 7):
            made.until(lambda times=times: len(made.runner.launches) == times)  # type: ignore[misc]  # bound at once
            wait_until(lambda: bool(made.runner.running()))
            (recording / "logs" / ".progress").unlink()
            made.runner.kill(made.runner.running()[0])
        made.until(lambda: len(made.runner.launches) == 7)
        assert {launch.environment["EZREC_ATTEMPT"] for launch in made.runner.launches} == {"1"}
        assert (recording / ".done").exists()


def test_p03_a_root_that_is_back_and_can_not_be_locked_is_waited_for(tmp_path: Path) -> None:
    """The disk that came back refuses its lock once: the daemon lives, and takes it up the next time."""
    root, away = tmp_path / "root", tmp_path / "away"
    with site(root, {}, WALLS["2038"]) as made:
        root.rename(away)
        made.until(lambda: made.engine.world.root.is_still_there() is False)
        with meanwhile("lock", str(fcntl.LOCK_EX | fcntl.LOCK_NB), no_locks):
            shutil.copytree(away, root)
            made.until(lambda: not is_waiting("lock"))
        made.until(made.engine.world.root.is_still_there)
        recording = made.drop("x")
        made.until((recording / ".completed").exists)


def test_p03_a_start_that_the_disk_refuses_is_journaled_in_words(tmp_path: Path) -> None:
    """`ezrec why` shows it to people: no number of an error, no path of our own."""
    with site(tmp_path / "root", {}, WALLS["2038"]) as made:
        with meanwhile("link", ".lock", no_locks):
            recording = made.drop("x")
            made.until((recording / ".completed").exists)
        with made.engine.world.root.opened("x") as fd:
            lines = Journal(fd, made.engine.world.root.id, made.clock).read()
    assert [line["reason"] for line in lines if line.get("result") == "postponed"] == [
        os.strerror(errno.ENOLCK)
    ]


def no_locks() -> None:
    """As a share says whose lock daemon is away."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
