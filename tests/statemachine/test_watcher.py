"""Events as hints: which path speaks of which recording, real inotify, the canary."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec.statemachine.names import is_date
from ezrec.statemachine.root import make_root
from ezrec.statemachine.watcher import EVENTS, NoWatcher, ObserverWatcher, hint_of
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
        ("rec/logs/.run-abc", "rec"),
        ("rec/logs/.run-abc.partial", ""),
        ("rec/logs/.run-abc/x", ""),
        ("rec/logs/x/.run-abc", ""),
        ("rec/deep/logs/x", "rec"),
        ("logs", "logs"),
        ("2026-11-23", None),
        ("2026-11-23/rec", "2026-11-23/rec"),
        ("2026-11-23/rec/.done", "2026-11-23/rec"),
        ("2026-11-23/rec/logs/.run-a", "2026-11-23/rec"),
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


def test_the_filter_asks_for_nothing_that_opens_or_closes() -> None:
    """With watchdog's default options a large tree livelocks: only what comes, goes or moves."""
    names = {event.__name__ for event in EVENTS}
    kinds = {name.removeprefix("File").removeprefix("Dir").removesuffix("Event") for name in names}
    assert kinds == {"Created", "Moved", "Deleted"}
    assert len(names) == 6


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with one recording and one date."""
    make_root(tmp_path / "root")
    (tmp_path / "root" / "rec").mkdir()
    (tmp_path / "root" / "2026-11-23" / "dated").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def hints() -> list[str | None]:
    """What was hinted."""
    return []


@pytest.fixture
def watcher(root: Path, hints: list[str | None]) -> Iterator[ObserverWatcher]:
    """A real observer on it."""
    watcher = ObserverWatcher(root, patience=1.0)
    watcher.start(hints.append)
    yield watcher
    watcher.stop()


@pytest.mark.parametrize(
    ("where", "hint"), [("rec", "rec"), ("2026-11-23/dated", "2026-11-23/dated")]
)
def test_p5_a_marker_that_comes_moves_or_goes_is_hinted(
    watcher: ObserverWatcher, root: Path, hints: list[str | None], where: str, hint: str
) -> None:
    """A touch, a rename, an rm: each wakes the engine for that recording."""
    done, merged = root / where / ".done", root / where / ".merged"
    changes: list[Callable[[], object]] = [
        done.touch,
        lambda: done.rename(merged),
        merged.unlink,
    ]
    for change in changes:
        hints.clear()
        change()
        wait_until(lambda: hint in hints)


def test_p5_a_directory_moved_in_is_hinted(
    watcher: ObserverWatcher, root: Path, hints: list[str | None], tmp_path: Path
) -> None:
    """A drop from elsewhere, and a marker in it afterwards."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "camera_0.mp4").touch()
    (tmp_path / "drop").rename(root / "drop")
    wait_until(lambda: "drop" in hints)
    hints.clear()
    (root / "drop" / ".done").touch()
    wait_until(lambda: "drop" in hints)


def test_p5_a_directory_and_a_marker_at_once(
    watcher: ObserverWatcher, root: Path, hints: list[str | None]
) -> None:
    """`mkdir -p` and `touch` in one go, a hundred times: every one is hinted."""
    for number in range(100):
        (root / "2026-11-25" / f"new{number}").mkdir(parents=True)
        (root / "2026-11-25" / f"new{number}" / ".done").touch()
    wait_until(lambda: {f"2026-11-25/new{number}" for number in range(100)} <= set(hints))


def test_a_new_date_makes_everything_be_looked_at(
    watcher: ObserverWatcher, root: Path, hints: list[str | None], tmp_path: Path
) -> None:
    """A whole day moved in: any recording may have changed."""
    (tmp_path / "2026-11-26" / "rec").mkdir(parents=True)
    (tmp_path / "2026-11-26").rename(root / "2026-11-26")
    wait_until(lambda: None in hints)


def test_our_own_writing_wakes_nobody(
    watcher: ObserverWatcher, root: Path, hints: list[str | None]
) -> None:
    """The journal, progress and growing footage are no hints; the end of a run is."""
    (root / "rec" / "logs").mkdir()
    (root / "rec" / "logs" / "journal").write_text("x")
    (root / "rec" / "logs" / ".run-1.partial").write_text("x")
    (root / ".ezrec" / "tell").write_text("x")
    (root / "2026-11-23" / "dated" / ".done").touch()
    wait_until(lambda: hints)
    assert set(hints) == {"2026-11-23/dated"}
    (root / "rec" / "logs" / ".run-1.partial").rename(root / "rec" / "logs" / ".run-1")
    wait_until(lambda: "rec" in hints)


def test_hostile_names_end_no_thread(
    watcher: ObserverWatcher, root: Path, hints: list[str | None]
) -> None:
    """Undecodable bytes, newlines: passed over, and the next event comes."""
    for name in (b"\xff\xfe", b"new\nline", b"-rf", b"a b", b"\x1b[31m"):
        os.mkdir(os.fsencode(root) + b"/" + name)
        Path(os.fsdecode(os.fsencode(root) + b"/" + name + b"/.done")).touch()
        (root / "rec" / os.fsdecode(name)).touch()
    hints.clear()
    (root / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)
    assert set(hints) <= {"rec", ""}
    assert watcher.check()


def test_p6_the_canary_returns(watcher: ObserverWatcher, root: Path) -> None:
    """A watcher that sees says so, again and again, and leaves nothing behind."""
    assert [watcher.check() for _ in range(3)] == [True] * 3
    assert os.listdir(root / ".ezrec" / "canary") == []


def test_p6_leavings_of_a_killed_daemon_are_no_blindness(
    watcher: ObserverWatcher, root: Path
) -> None:
    """A cage that was left behind by a daemon of the same pid is not in the way."""
    for number in range(5):
        (root / ".ezrec" / "canary" / f"{os.getpid()}-{number}").mkdir(parents=True)
    assert watcher.check()


def test_p6_a_dead_observer_is_noticed_and_replaced(
    watcher: ObserverWatcher, root: Path, hints: list[str | None]
) -> None:
    """False once; after that the new one sees."""
    observer = watcher._observer
    assert observer is not None
    for emitter in list(observer.emitters):
        emitter.stop()
        emitter.join()
    assert watcher.check() is False
    assert watcher.check() is True
    (root / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_p6_a_handler_that_failed_is_noticed(root: Path) -> None:
    """An exception in a callback ends watchdog's thread: the canary does not come back."""
    calls: list[str | None] = []

    def fail_once(hint: str | None) -> None:
        calls.append(hint)
        if len(calls) == 1:
            raise SystemExit

    watcher = ObserverWatcher(root, patience=0.5)
    watcher.start(fail_once)
    (root / "rec" / ".done").touch()
    wait_until(lambda: calls)
    assert watcher.check() is False
    wait_until(watcher.check)
    watcher.stop()


def test_p6_a_root_that_is_gone_is_noticed(
    watcher: ObserverWatcher, root: Path, hints: list[str | None]
) -> None:
    """Removed under the observer: blind, without an exception; and seeing again when it is back."""
    away = root.with_name("away")
    root.rename(away)
    assert watcher.check() is False
    shutil.rmtree(root, ignore_errors=True)
    away.rename(root)
    wait_until(watcher.check)
    hints.clear()
    (root / "rec" / ".done").touch()
    wait_until(lambda: "rec" in hints)


def test_a_root_that_is_missing_cannot_be_watched(tmp_path: Path) -> None:
    """OSError: the engine scans instead, and says so."""
    watcher = ObserverWatcher(tmp_path / "nowhere")
    with pytest.raises(OSError):
        watcher.start(lambda _: None)
    watcher.stop()


def test_stopping_twice_is_harmless(root: Path) -> None:
    """Stopped before it was started, and after."""
    watcher = ObserverWatcher(root)
    watcher.stop()
    watcher.start(lambda _: None)
    watcher.stop()
    watcher.stop()


def test_without_events_one_is_blind() -> None:
    """File systems that tell nothing are scanned."""
    watcher = NoWatcher()
    watcher.start(lambda _: None)
    assert watcher.check() is False
    watcher.stop()
