"""Every call on the disk is announced before it is made, and an audit hook can fail it or cut it off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ezrec.statemachine import calls

#: audit hooks stay for the life of a process, so each program is a process of its own
_RUN = """
import errno, os, sys
from ezrec.statemachine import calls, files
seen = []
def hook(event, arguments):
    if event == calls.EVENT:
        seen.append((arguments[0], *(a for a in arguments[1:] if isinstance(a, (str, bytes)))))
        {act}
fd = files.open_directory(sys.argv[1])
sys.addaudithook(hook)
{program}
"""


def run(place: Path, program: str, act: str = "") -> subprocess.CompletedProcess[str]:
    text = _RUN.format(act=act, program=program)
    return subprocess.run(
        [sys.executable, "-c", text, str(place)], capture_output=True, text=True, timeout=30
    )


def test_what_a_durable_file_is_made_of(tmp_path: Path) -> None:
    """A nameless file, its bytes, fsync, the name, fsync of the directory: in this order."""
    ended = run(tmp_path, "files.create(fd, '.done', b'why'); print(seen)")
    assert ended.stdout.strip() == str(
        [("open", "."), ("write", b"why"), ("sync",), ("link", ".done"), ("sync",)]
    )


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("files._create_renamed(fd, '.done', b'why')", "rename_new"),
        ("files.replace(fd, '.done', b'why')", "rename"),
    ],
)
def test_what_comes_by_a_rename_is_on_the_disk_before_and_after(
    tmp_path: Path, program: str, last: str
) -> None:
    """Where the file system knows no nameless files, and where something is replaced: the bytes are synced
    under a name of their own, then they are renamed, then the directory is synced."""
    ended = run(tmp_path, f"{program}; print([call[0] for call in seen])")
    assert ended.stdout.strip() == str(["open", "truncate", "write", "sync", last, "sync"])


def test_a_call_that_is_failed_is_not_made(tmp_path: Path) -> None:
    """The exception of an audit hook comes in the place of the call."""
    act = "if arguments[0] == 'link': raise OSError(errno.EDQUOT, 'no room')"
    ended = run(tmp_path, "files.create(fd, '.done', b'why')", act)
    assert "no room" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_at_a_call_has_not_made_it(tmp_path: Path) -> None:
    """Killed at the second fsync: the name is there, and nothing after it."""
    act = "if seen.count(('sync',)) == 2: os.kill(os.getpid(), 9)"
    ended = run(tmp_path, "files.create(fd, '.done', b'why'); print('survived')", act)
    assert (ended.returncode, ended.stdout) == (-9, "")
    assert (tmp_path / ".done").read_bytes() == b"why"


_APPEND = """
from ezrec.statemachine.clock import SystemClock
from ezrec.statemachine.journal import Journal
journal = Journal(fd, "root", SystemClock())
for kind, durable in {lines!r}:
    seen.clear()
    journal.append(kind, durable=durable)
    print(kind, [call[0] for call in seen].count("sync"))
"""


def test_a_durable_line_makes_the_way_to_it_durable_once(tmp_path: Path) -> None:
    """What is found is written and not waited for, but its directory is made to stay; the attempt after
    it syncs the journal and its name, every later line only the journal."""
    lines = [("state", False), ("attempt", True), ("state", False), ("ended", True)]
    told = run(tmp_path, _APPEND.format(lines=lines)).stdout.splitlines()
    assert told == ["state 1", "attempt 2", "state 0", "ended 1"]


def test_a_copied_journal_is_made_durable_anew(tmp_path: Path) -> None:
    """The lines of another directory say nothing of this one."""
    (tmp_path / "a").mkdir()
    run(tmp_path / "a", _APPEND.format(lines=[("attempt", True)]))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    told = run(tmp_path / "b", _APPEND.format(lines=[("attempt", True), ("ended", True)]))
    assert told.stdout.splitlines() == ["attempt 2", "ended 1"]


_FAILED_LINE = """
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.testing import FakeClock
journal = Journal(fd, '0123456789', FakeClock())
journal.append('state', durable=False)
try:
    journal.append('attempt', durable=True)
except OSError as error:
    print(error.strerror)
print([line['kind'] for line in journal.read()])
"""


def test_p04_a_line_whose_fsync_failed_is_taken_back(tmp_path: Path) -> None:
    """Nobody reads it as if it had been promised; what stood before it stays."""
    path = "os.readlink(f'/proc/self/fd/{arguments[1]}')"
    act = f"if arguments[0] == 'sync' and {path}.endswith('/journal'): raise OSError(5, 'broken')"
    ended = run(tmp_path, _FAILED_LINE, act)
    assert ended.stdout.splitlines() == ["broken", "['state']"], ended.stderr


def test_a_sync_asks_the_kernel() -> None:
    """An announcement alone brings nothing to the disk: of a pipe the kernel refuses it."""
    reader, writer = os.pipe()
    with pytest.raises(OSError, match="Invalid argument"):
        calls.sync(writer)
    os.close(reader)
    os.close(writer)


_DONE_OVER = """
from ezrec.statemachine.journal import Journal
from ezrec.statemachine.testing import FakeClock
journal = Journal(fd, '0123456789', FakeClock())
synced, failing = [], [{failing!r}]
try:
    journal.append('attempt', durable=True)
except OSError as error:
    print(error.strerror, [line['kind'] for line in journal.read()])
synced.clear()
journal.append('attempt', durable=True)
print(*synced)
"""


@pytest.mark.parametrize(
    ("failing", "synced"), [("/logs", "journal logs"), ("/rec", "rec journal logs")]
)
def test_p04_what_leads_to_a_line_is_synced_until_it_has_been(
    tmp_path: Path, failing: str, synced: str
) -> None:
    """The fsync of the journal's name fails, or that of its directory's: the step over does it anew,
    it is not taken for done because the line, or the directory, is there."""
    (tmp_path / "rec").mkdir()
    act = """if arguments[0] == 'sync':
            path = os.readlink(f'/proc/self/fd/{arguments[1]}')
            synced.append(os.path.basename(path))
            if failing and path.endswith(failing[0]):
                raise OSError(5, 'broken', failing.pop())"""
    ended = run(tmp_path / "rec", _DONE_OVER.format(failing=failing), act)
    assert ended.stdout.splitlines() == ["broken []", synced], ended.stderr


_REOPENED = """
from pathlib import Path
from ezrec.statemachine.errors import RootUnusable
from ezrec.statemachine.root import Root, make_root
place = Path(sys.argv[1], 'root')
make_root(place)
root = Root(place)
try:
    root.reopen()
except RootUnusable as error:
    print(error.message.replace(str(place), 'root'))
"""


def test_a_root_that_is_back_and_cannot_be_locked_is_waited_for(tmp_path: Path) -> None:
    """What the patrol waits on is said as a refusal: another error would end the daemon."""
    ended = run(tmp_path, _REOPENED, "if arguments[0] == 'lock': raise OSError(37, 'No locks')")
    assert ended.stdout == "the root root can't be locked: No locks\n", ended.stderr
