"""The file-system wrapper: nothing replaced, nothing followed, nothing half."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ezrec.statemachine import calls, files
from tests.waiting import wait_until


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    """An open directory, with somebody else's file beside it."""
    (tmp_path / "outside").write_bytes(b"precious")
    (tmp_path / "in").mkdir()
    fd = files.open_directory(tmp_path / "in")
    yield fd
    os.close(fd)


def here(fd: int) -> Path:
    """The path of an open directory."""
    return Path(os.readlink(f"/proc/self/fd/{fd}"))


def test_rename_new_renames(fd: int) -> None:
    """Where nothing is in the way it is a rename."""
    files.create(fd, ".done", b"note")
    files.rename_new(fd, ".done", ".merged")
    assert files.names(fd) == [".merged"]
    assert files.read(fd, ".merged", 99) == b"note"


@pytest.mark.parametrize(
    "in_the_way", ["file", "link", "dangling", "directory", "hard link", "fifo"]
)
def test_rename_new_never_replaces(fd: int, in_the_way: str) -> None:
    """EEXIST whatever stands there: also another link to the very same inode."""
    files.create(fd, ".done", b"ours")
    target = here(fd) / ".merged"
    make: dict[str, Callable[[], object]] = {
        "file": lambda: target.write_bytes(b"theirs"),
        "link": lambda: target.symlink_to("../outside"),
        "dangling": lambda: target.symlink_to("nowhere"),
        "directory": lambda: target.mkdir(),
        "hard link": lambda: os.link(here(fd) / ".done", target),
        "fifo": lambda: os.mkfifo(target),
    }
    make[in_the_way]()
    before = os.lstat(target)
    with pytest.raises(FileExistsError) as refused:
        files.rename_new(fd, ".done", ".merged")
    assert refused.value.errno == errno.EEXIST
    assert sorted(files.names(fd)) == [".done", ".merged"]
    assert os.lstat(target).st_ino == before.st_ino


def test_rename_new_of_nothing_or_across(fd: int, tmp_path: Path) -> None:
    """ENOENT where the old name is gone; another directory may be the target."""
    with pytest.raises(FileNotFoundError):
        files.rename_new(fd, ".done", ".merged")
    files.create(fd, "a", b"")
    with files.directory(tmp_path) as parent:
        files.rename_new(fd, "a", "b", parent)
        assert "b" in files.names(parent)


def test_rename_new_among_many_has_one_winner(fd: int) -> None:
    """Of many that rename onto one name, one does."""
    won: list[int] = []

    def attempt(number: int) -> None:
        try:
            files.rename_new(fd, f"m{number}", "target")
        except FileExistsError:
            return
        won.append(number)

    for number in range(16):
        files.create(fd, f"m{number}", str(number).encode(), durable=False)
    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert files.read(fd, "target", 9) == str(won[0]).encode()
    assert len(files.names(fd)) == 16


@pytest.mark.parametrize("make", [files.create, files._create_renamed])
def test_create_is_whole_when_it_appears(fd: int, make: Callable[[int, str, bytes], None]) -> None:
    """A reader that sees the name sees all of it; there is no temporary name left."""
    data = os.urandom(1 << 20)
    torn: list[int] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for name in ("a", "b", "c", "d"):
                try:
                    size = os.stat(name, dir_fd=fd).st_size
                except FileNotFoundError:
                    continue
                if size != len(data):
                    torn.append(size)

    reader = threading.Thread(target=look)
    reader.start()
    for name in ("a", "b", "c", "d"):
        make(fd, name, data)
    stop.set()
    reader.join()
    assert torn == []
    assert sorted(files.names(fd)) == ["a", "b", "c", "d"]
    assert files.read(fd, "d", 2 << 20) == data


@pytest.mark.parametrize("make", [files.create, files._create_renamed])
def test_create_refuses(fd: int, make: Callable[[int, str, bytes], None]) -> None:
    """EEXIST where the name is there, also as a link to nowhere; nothing changes, nothing is left."""
    (here(fd) / "there").write_bytes(b"old")
    (here(fd) / "dangling").symlink_to("../made")
    for name in ("there", "dangling"):
        with pytest.raises(FileExistsError):
            make(fd, name, b"new")
    assert files.read(fd, "there", 9) == b"old"
    assert sorted(files.names(fd)) == ["dangling", "there"]
    assert not (here(fd).parent / "made").exists()


def plant(fd: int, kind: str, name: str) -> None:
    """Something hostile under `name`."""
    target = here(fd) / name
    if kind == "link":
        target.symlink_to("../outside")
    elif kind == "dangling":
        target.symlink_to("../made")
    elif kind == "hard link":
        os.link(here(fd).parent / "outside", target)
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "directory":
        target.mkdir()
    elif kind == "device":
        os.mknod(target, 0o666 | 0o020000, os.makedev(1, 3))
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{fd}/{name}")


KINDS = ["link", "dangling", "hard link", "fifo", "directory", "socket"]
ENTRIES: list[tuple[str, str, Callable[[int], object]]] = [
    ("read", "x", lambda fd: files.read(fd, "x", 9)),
    ("overwrite", "x", lambda fd: files.overwrite(fd, "x", b"evil")),
    ("replace", ".x.partial", lambda fd: files.replace(fd, "x", b"evil")),
    ("truncate", "x", lambda fd: _open(fd, os.O_WRONLY | os.O_TRUNC)),
    ("append", "x", lambda fd: _open(fd, os.O_RDWR | os.O_CREAT | os.O_APPEND)),
    ("make", "x", lambda fd: _open(fd, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)),
]


def _open(fd: int, flags: int) -> None:
    with files.open_plain(fd, "x", flags) as opened:
        os.write(opened, b"evil")


@pytest.mark.parametrize(("name", "call"), [pytest.param(n, c, id=i) for i, n, c in ENTRIES])
@pytest.mark.parametrize("kind", KINDS)
def test_p13_only_a_plain_file_is_opened(
    fd: int, kind: str, name: str, call: Callable[[int], object]
) -> None:
    """A link, a hard link, a FIFO, a directory, a socket: an OSError at once, and nothing touched."""
    plant(fd, kind, name)
    with pytest.raises(OSError):
        call(fd)
    outside = here(fd).parent
    assert (outside / "outside").read_bytes() == b"precious"
    assert sorted(os.listdir(outside)) == ["in", "outside"]


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "nothing", "link to a directory"])
def test_p13_only_a_directory_is_entered(fd: int, kind: str) -> None:
    """Neither a link to a directory nor a file is taken for one."""
    if kind == "file":
        (here(fd) / "x").touch()
    elif kind == "link to a directory":
        (here(fd) / "x").symlink_to("..", target_is_directory=True)
    elif kind != "nothing":
        plant(fd, kind, "x")
    with pytest.raises(OSError):
        files.open_directory("x", fd)


def test_p13_no_link_is_listed(fd: int) -> None:
    """Not even the names below it are told."""
    (here(fd).parent / "others").mkdir()
    (here(fd) / "x").symlink_to("../others")
    with pytest.raises(NotADirectoryError):
        calls.names_below(fd, "x")


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "fifo"])
def test_a_new_file_takes_no_name_that_is_there(fd: int, kind: str) -> None:
    """Whatever bears it, and if it leads nowhere."""
    plant(fd, kind, "x")
    with pytest.raises(FileExistsError):
        files.open_new(fd, "x")


def test_no_descriptor_is_left_open_by_a_refusal(fd: int) -> None:
    """What was refused is closed."""
    os.mkfifo(here(fd) / "x")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(OSError):
            _open(fd, os.O_RDWR)
    assert len(os.listdir("/proc/self/fd")) == before


def test_replace_is_atomic_for_readers(fd: int) -> None:
    """A reader sees the old or the new, never a part of one, never nothing."""
    contents = [bytes([number]) * (1 << 16) for number in range(1, 60)]
    files.replace(fd, "x", contents[0])
    bad: list[object] = []
    looks = 0
    stop = threading.Event()

    def look() -> None:
        nonlocal looks
        while not stop.is_set():
            try:
                data = files.read(fd, "x", 1 << 20)
            except OSError as error:
                bad.append(error)
            else:
                if data not in contents:
                    bad.append(data)
            looks += 1

    reader = threading.Thread(target=look)
    reader.start()
    wait_until(lambda: looks)
    for content in contents:
        files.replace(fd, "x", content)
    stop.set()
    reader.join()
    assert bad == [] and looks
    assert files.names(fd) == ["x"]


def test_remove_answers(fd: int) -> None:
    """Whether it was there; a link goes, not what it points to."""
    plant(fd, "link", "x")
    assert files.remove(fd, "x") is True
    assert files.remove(fd, "x") is False
    assert (here(fd).parent / "outside").read_bytes() == b"precious"


def test_overwrite_leaves_nothing_of_the_old(fd: int) -> None:
    """A shorter note after a longer one; and the file stays the same file."""
    files.create(fd, "x", b"a long note")
    inode = os.stat("x", dir_fd=fd).st_ino
    files.overwrite(fd, "x", b"short")
    assert files.read(fd, "x", 99) == b"short"
    assert os.stat("x", dir_fd=fd).st_ino == inode
    with pytest.raises(FileNotFoundError):
        files.overwrite(fd, "y", b"")


def test_read_is_limited(fd: int) -> None:
    """A marker with a gigabyte in it costs no gigabyte."""
    with (here(fd) / "x").open("wb") as file:
        file.truncate(1 << 30)
    assert len(files.read(fd, "x", 64)) == 64


def test_entries_are_the_names_own(fd: int) -> None:
    """A link's stat is the link's."""
    plant(fd, "link", "x")
    ((name, status),) = files.entries(fd)
    assert name == "x" and not files.is_plain(status)


def test_make_directory_twice(fd: int) -> None:
    """It is there afterwards, whoever made it."""
    files.make_directory(fd, "logs")
    files.make_directory(fd, "logs")
    assert (here(fd) / "logs").is_dir()


def test_the_lock_belongs_to_the_open_file(fd: int) -> None:
    """Two openings of one directory keep each other out; a duplicate is the same opening."""
    with files.directory(here(fd)) as other:
        assert files.try_lock(fd)
        assert files.try_lock(os.dup(fd))
        assert not files.try_lock(other)
        assert not files.try_lock(other, shared=True)
        files.unlock(fd)
        assert files.try_lock(other, shared=True)
        assert files.try_lock(fd, shared=True)
