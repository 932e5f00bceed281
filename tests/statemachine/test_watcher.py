"""Events as hints: which path speaks of which recording, real inotify, the canary."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watchdog.observers.inotify_c import InotifyConstants

from ezrec.statemachine import watches
from ezrec.statemachine.names import is_date
from ezrec.statemachine.root import Root, make_root
from ezrec.statemachine.watcher import InotifyWatcher, NoWatcher, hint_of
from tests.statemachine.minding import no_more_threads
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("rec", "rec"),
        ("rec/.done", "rec"),
        ("rec/camera_0.mp4", "rec"),
        ("rec/deep/er", "rec"),
        ("rec/logs", ""),
        ("rec/logs/journal", ""),
        ("rec/logs/.progress", ""),
        ("rec/logs/.run-abc", ""),
        ("rec/logs/.run-abc.partial", ""),
        ("rec/logs/.run-abc/x", ""),
        ("rec/logs/x/.run-abc", ""),
        ("rec/deep/logs/x", "rec"),
        ("logs", "logs"),
        ("2026-11-23", None),
        ("2026-11-23/rec", "2026-11-23/rec"),
        ("2026-11-23/rec/.done", "2026-11-23/rec"),
        ("2026-11-23/rec/logs/.run-a", ""),
        ("2026-11-23/rec/logs/journal", ""),
        ("2026-11-23/2026-11-24/x", ""),
        ("2026-11-23/a b/.done", ""),
        ("2026-11-23/.hidden", ""),
        (".ezrec-root", ""),
        (".ezrec/canary/1/bird", ""),
        (".hidden/x", ""),
        ("a b/.done", ""),
        ("-rf/.done", ""),
        ("new\nline/.done", ""),
        ("\udcff/.done", ""),
        ("", ""),
    ],
)
def test_which_recording_a_path_speaks_of(path: str, hint: str | None) -> None:
    """The id, nothing of interest, or that any may have changed."""
    assert hint_of(tuple(path.split("/"))) == hint


def test_the_root_itself_speaks_of_nothing() -> None:
    """An event on the root names no recording."""
    assert hint_of(()) == ""


@given(st.lists(st.text(min_size=1, max_size=12).filter(lambda part: "/" not in part), max_size=5))
def test_any_path_has_a_hint(parts: list[str]) -> None:
    """Total; a hint is the beginning of the path."""
    hint = hint_of(tuple(parts))
    if hint is None:
        assert len(parts) == 1 and is_date(parts[0])
    else:
        assert "/".join(parts).startswith(hint)


def test_nothing_is_asked_for_that_opens_writes_or_closes() -> None:
    """Growing footage and those who read it wake nobody: only what comes, goes or moves."""
    unwanted = ("IN_ACCESS", "IN_MODIFY", "IN_OPEN", "IN_CLOSE_WRITE", "IN_CLOSE_NOWRITE")
    assert not any(getattr(InotifyConstants, name) & watches.MASK for name in unwanted)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A root with one recording and one date."""
    make_root(tmp_path / "root")
    (tmp_path / "root" / "rec").mkdir()
    (tmp_path / "root" / "2026-11-23" / "dated").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def root(path: Path) -> Iterator[Root]:
    """That root, opened."""
    root = Root(path, frozenset({"hooks"}))
    yield root
    root.close()


@pytest.fixture
def hints() -> list[str | None]:
    """What was hinted."""
    return []


@pytest.fixture
def watcher(root: Root, hints: list[str | None]) -> Iterator[InotifyWatcher]:
    """A real one on it, which follows both recordings."""
    watcher = InotifyWatcher(root, patience=1.0)
    watcher.start(hints.append)
    for recording in ("rec", "2026-11-23/dated"):
        assert watcher.follow(recording, needed=True)
    yield watcher
    watcher.stop()


@pytest.mark.parametrize(
    ("where", "hint"), [("rec", "rec"), ("2026-11-23/dated", "2026-11-23/dated")]
)
def test_p05_a_marker_that_comes_moves_or_goes_is_hinted(
    watcher: InotifyWatcher, path: Path, hints: list[str | None], where: str, hint: str
) -> None:
    """A touch, a rename, an rm: each wakes the engine for that recording."""
    done, merged = path / where / ".done", path / where / ".merged"
    changes: list[Callable[[], object]] = [
        done.touch,
        lambda: done.rename(merged),
        merged.unlink,
    ]
    for change in changes:
        hints.clear()
        change()
        wait_until(lambda: hint in hints)


def test_p05_a_directory_moved_in_is_hinted(
    watcher: InotifyWatcher, path: Path, hints: list[str | None], tmp_path: Path
) -> None:
    """A drop from elsewhere, and a marker in it afterwards."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "camera_0.mp4").touch()
    (tmp_path / "drop").rename(path / "drop")
    wait_until(lambda: "drop" in hints)
    hints.clear()
    (path / "drop" / ".done").touch()
    wait_until(lambda: "drop" in hints)


def test_p05_a_directory_and_a_marker_at_once(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """`mkdir -p` and `touch` in one go, a hundred times: every one is hinted."""
    for number in range(100):
        (path / "2026-11-25" / f"new{number}").mkdir(parents=True)
        (path / "2026-11-25" / f"new{number}" / ".done").touch()
    wait_until(lambda: {f"2026-11-25/new{number}" for number in range(100)} <= set(hints))


def test_a_new_date_makes_everything_be_looked_at(
    watcher: InotifyWatcher, path: Path, hints: list[str | None], tmp_path: Path
) -> None:
    """A whole day moved in: any recording may have changed."""
    (tmp_path / "2026-11-26" / "rec").mkdir(parents=True)
    (tmp_path / "2026-11-26").rename(path / "2026-11-26")
    wait_until(lambda: None in hints)


def test_our_own_writing_wakes_nobody(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """The journal, progress, the end of a run (its supervisor tells of that) and growing footage."""
    (path / "rec" / "logs").mkdir()
    for name in ("journal", ".run-1.partial", ".run-1"):
        (path / "rec" / "logs" / name).write_text("x")
    (path / ".ezrec" / "tell").write_text("x")
    (path / "2026-11-23" / "dated" / ".done").touch()
    wait_until(lambda: hints)
    assert set(hints) == {"2026-11-23/dated"}


def test_hostile_names_end_no_thread(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """Undecodable bytes, newlines: passed over, and the next event comes."""
    for name in (b"\xff\xfe", b"new\nline", b"-rf", b"a b", b"\x1b[31m"):
        os.mkdir(os.fsencode(path) + b"/" + name)
        Path(os.fsdecode(os.fsencode(path) + b"/" + name + b"/.done")).touch()
        (path / "rec" / os.fsdecode(name)).touch()
    hints.clear()
    (path / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)
    assert set(hints) <= {"rec", ""}
    assert watcher.check()


def test_p06_the_canary_returns(watcher: InotifyWatcher, path: Path) -> None:
    """A watcher that sees says so, again and again, and leaves nothing behind."""
    assert [watcher.check() for _ in range(3)] == [True] * 3
    assert os.listdir(path / ".ezrec" / "canary") == []


def test_p06_leavings_of_a_killed_daemon_are_no_blindness(
    watcher: InotifyWatcher, path: Path
) -> None:
    """A cage that was left behind by a daemon of the same pid is not in the way."""
    for number in range(5):
        (path / ".ezrec" / "canary" / f"{os.getpid()}-{number}").mkdir(parents=True)
    assert watcher.check()


def test_p06_a_dead_reader_is_noticed_and_replaced(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """False once; after that the new one sees, and follows what it is told to."""
    reader = watcher._reader
    assert reader is not None
    reader.stop()
    reader.join()
    assert watcher.check() is False
    assert watcher.check() is True
    watcher.follow("rec", needed=True)
    (path / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)


def test_p06_a_watcher_that_lives_and_sees_nothing_is_noticed(
    watcher: InotifyWatcher, root: Root, hints: list[str | None]
) -> None:
    """Its thread is there, and so is its descriptor, but no event comes: only the canary can tell."""
    assert watcher._watches is not None
    for directory in list(watcher._watches._watched):
        watcher._watches._drop(directory)
    assert watcher._reader is not None and watcher._reader.is_alive()
    assert watcher.check() is False
    assert watcher.check() is True


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_p06_a_handler_that_failed_is_noticed(root: Root, path: Path) -> None:
    """An exception in a callback ends watchdog's thread: the canary does not come back."""
    calls: list[str | None] = []

    def fail_once(hint: str | None) -> None:
        calls.append(hint)
        if len(calls) == 1:
            raise SystemExit

    watcher = InotifyWatcher(root, patience=0.5)
    watcher.start(fail_once)
    (path / "new").mkdir()
    wait_until(lambda: calls)
    assert watcher.check() is False
    wait_until(watcher.check)
    watcher.stop()


def test_p06_an_overflow_is_noticed(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """Everything is to be looked at, at once; the next check begins anew."""
    assert watcher._watches is not None
    with watcher._watches._lock:  # the reader can't go on: the kernel's queue fills up
        (path / "stuck").mkdir()
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        for _ in range(limit):  # twice as many events: some were read before the reader stood
            os.close(os.open(path / "rec" / "x", os.O_CREAT))
            os.unlink(path / "rec" / "x")
    wait_until(lambda: None in hints)
    assert watcher.check() is False
    assert watcher.check() is True


def test_what_lies_deeper_than_a_recording_takes_no_watch(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """A recording with a thousand directories in it must not use the table up; nor what is reserved."""
    before = watched()
    for place in ("rec/inner", "rec/logs", "2026-11-23/dated/inner", "2026-11-23/a b", "hooks"):
        (path / place).mkdir()
    (path / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)
    assert watcher.check() is True  # and so has all that came before it
    assert watched() == before
    for name in ("good", "not good"):
        (path.parent / "2026-11-27" / name).mkdir(parents=True)
    (path.parent / "2026-11-27").rename(path / "2026-11-27")
    wait_until(lambda: "2026-11-27/good" in hints)
    assert watcher.check() is True
    assert watched() == before + 2  # the date and the one that can be a recording


def watched() -> int:
    """How many watches this process has."""
    told = Path("/proc/self/fdinfo").iterdir()
    lines = [line for each in told if each.exists() for line in each.read_text().splitlines()]
    return sum(line.startswith("inotify ") for line in lines)


def test_what_is_moved_is_watched_under_its_new_name(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """A recording, and a whole date; what was moved out of the root is not watched any more."""
    (path / "rec").rename(path / "renamed")
    (path / "2026-11-23").rename(path / "2026-11-30")
    wait_until(lambda: {"renamed", "2026-11-30/dated"} <= set(hints))
    (path / "renamed").rename(path.parent / "outside")
    hints.clear()
    (path / "2026-11-30" / "dated" / "x").touch()
    wait_until(lambda: "2026-11-30/dated" in hints)  # and so has all that came before it
    hints.clear()
    (path.parent / "outside" / ".done").touch()
    (path / "2026-11-30" / "dated" / ".done").touch()
    wait_until(lambda: hints)
    assert set(hints) == {"2026-11-30/dated"}


def test_a_file_moved_out_of_the_tree_holds_nothing_up(
    watcher: InotifyWatcher, path: Path, hints: list[str | None]
) -> None:
    """watchdog's observer waits half a second for where it went, and everything behind it waits too."""
    (path / "rec" / "x").touch()
    (path / "rec" / "x").rename(path.parent / "x")
    begun = time.monotonic()
    (path / "2026-11-23" / "dated" / ".done").touch()
    wait_until(lambda: "2026-11-23/dated" in hints)
    assert time.monotonic() - begun < 0.45


def test_finished_ones_are_watched_within_the_budget_only(
    root: Root, path: Path, hints: list[str | None]
) -> None:
    """What is in flight always is; what is finished gives way."""
    watcher = InotifyWatcher(root, budget=6)
    watcher.start(hints.append)  # the root, the canaries' place, a date
    for number in range(6):
        (path / f"f{number}").mkdir()
    wait_until(lambda: {f"f{number}" for number in range(6)} <= set(hints))
    assert not watcher.follow("rec", needed=False)
    assert watcher.follow("rec", needed=True)
    for number in range(6):
        watcher.spare(f"f{number}")
    assert not watcher.follow("f0", needed=False)
    assert watcher.follow("f5", needed=False)
    watcher.stop()


def test_a_root_that_is_gone_cannot_be_watched(root: Root, path: Path) -> None:
    """OSError: the engine scans instead, and says so. Nothing is left open."""
    shutil.rmtree(path)
    before = len(os.listdir("/proc/self/fd"))
    watcher = InotifyWatcher(root)
    with pytest.raises(OSError):
        watcher.start(lambda _: None)
    watcher.stop()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_reader_that_died_leaves_nothing_open(root: Root) -> None:
    """However often it is replaced."""
    watcher = InotifyWatcher(root, patience=0.1)
    watcher.start(lambda _: None)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert watcher._reader is not None
        watcher._reader.stop()
        watcher._reader.join()
        assert watcher.check() is False
    assert len(os.listdir("/proc/self/fd")) == before
    watcher.stop()


def test_stopping_twice_is_harmless(root: Root) -> None:
    """Stopped before it was started, and after."""
    watcher = InotifyWatcher(root)
    watcher.stop()
    watcher.start(lambda _: None)
    watcher.stop()
    watcher.stop()


def test_without_events_one_is_blind() -> None:
    """File systems that tell nothing are scanned."""
    watcher = NoWatcher()
    watcher.start(lambda _: None)
    assert watcher.check() is False
    assert watcher.follow("rec", needed=True) is False
    watcher.spare("rec")
    watcher.stop()


def test_a_watcher_that_can_not_be_started_gives_no_hints(root: Root) -> None:
    """What stands in the canary's place is no directory: the watches that stood already go unheard, or
    each try would call for the next one at once."""
    (root.path / ".ezrec").mkdir(exist_ok=True)
    (root.path / ".ezrec" / "canary").symlink_to(root.path)
    hints: list[str | None] = []
    watcher = InotifyWatcher(root)
    with pytest.raises(OSError, match="Not a directory"):
        watcher.start(hints.append)
    assert watcher.check() is False
    assert hints == []


def test_a_watcher_that_gets_no_thread_is_blind_until_there_is_one(watcher: InotifyWatcher) -> None:
    """A limit on tasks that a hook has used up ends no daemon, and costs no descriptor."""
    before = len(os.listdir("/proc/self/fd"))
    watcher.stop()
    with no_more_threads():
        assert watcher.check() is False
        assert watcher.check() is False
        assert len(os.listdir("/proc/self/fd")) < before
    assert watcher.check() is False
    assert watcher.check() is True
    assert len(os.listdir("/proc/self/fd")) == before
