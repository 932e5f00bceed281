"""Our own file-system wrapper: what ezrec does to the disk is put together here, from announced calls.

All names are relative to an open directory, no link is ever followed, and nothing that stands there is
ever replaced but by `replace`, `overwrite` and `rename_over`. Errors are OSError, as the kernel gives them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ezrec.statemachine import calls
from ezrec.statemachine.calls import Name, names, sync

__all__ = ["names", "sync"]

Entry = tuple[str, os.stat_result]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def open_directory(name: Name, dir_fd: int | None = None) -> int:
    """A descriptor of the directory `name`; ELOOP or ENOTDIR where it is a link or no directory."""
    return calls.open_file(name, _DIRECTORY, dir_fd)


@contextmanager
def directory(name: Name, dir_fd: int | None = None) -> Iterator[int]:
    """`open_directory` for the length of a with block."""
    fd = open_directory(name, dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def make_directory(dir_fd: int, name: str, *, durable: bool = True) -> None:
    """Make the subdirectory `name`, if it is not there; durably, or for whoever syncs `dir_fd` next."""
    try:
        calls.make_directory(dir_fd, name)
    except FileExistsError:
        return
    if not durable:
        return
    try:
        sync(dir_fd)
    except OSError:
        with suppress(OSError):  # else who comes next would find it there and take it for durable
            calls.remove_directory(dir_fd, name)
        raise


def entries(dir_fd: int) -> list[Entry]:
    """Every name in the directory with its own stat (links not followed); what vanishes is left out."""
    found = []
    for name in names(dir_fd):
        try:
            found.append((name, calls.status(dir_fd, name)))
        except FileNotFoundError:
            continue
    return found


def is_plain(status: os.stat_result) -> bool:
    """Whether this is a regular file with one link: what a marker has to be."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def read(dir_fd: int, name: str, limit: int) -> bytes:
    """At most `limit` bytes of the regular file `name`; EINVAL where it is anything else."""
    with open_plain(dir_fd, name, os.O_RDONLY) as fd:
        return calls.read_at(fd, limit, 0)


def read_end(fd: int, limit: int) -> bytes:
    """The last `limit` bytes of an open file."""
    size = os.fstat(fd).st_size
    return calls.read_at(fd, min(limit, size), max(0, size - limit))


@contextmanager
def open_plain(dir_fd: int, name: str, flags: int) -> Iterator[int]:
    """A descriptor of `name`, which has to be a regular file with one link (EINVAL otherwise).

    O_TRUNC takes effect only then: a hard link to somebody else's file is left as it is. A reader
    whose file is replaced just now has the old one.
    """
    safe = flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = calls.open_file(name, safe, dir_fd)
    try:
        status = os.fstat(fd)
        replaced = status.st_nlink == 0 and flags & os.O_ACCMODE == os.O_RDONLY
        if not is_plain(status) and not (replaced and stat.S_ISREG(status.st_mode)):
            raise OSError(errno.EINVAL, "not a regular file with one link", name)
        if flags & os.O_TRUNC:
            calls.truncate(fd)
        yield fd
    finally:
        os.close(fd)


def open_new(dir_fd: int, name: str) -> int:
    """A descriptor of a new, empty file, for reading and writing; EEXIST where anything, or a link,
    bears the name.
    """
    return calls.open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, dir_fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however many calls it takes."""
    view = memoryview(data)
    while view:
        view = view[calls.write(fd, view) :]


def create(dir_fd: int, name: str, data: bytes, *, durable: bool = True) -> None:
    """Make `name` with `data` in it, whole at the moment it appears; EEXIST if it is there already."""
    try:
        fd = calls.open_file(".", os.O_TMPFILE | os.O_RDWR, dir_fd)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        _create_renamed(dir_fd, name, data)
        return
    try:
        write_all(fd, data)
        if durable:
            sync(fd)
        calls.link(fd, dir_fd, name)
    finally:
        os.close(fd)
    if durable:
        sync(dir_fd)


def _create_renamed(dir_fd: int, name: str, data: bytes) -> None:
    """`create` for file systems that know no O_TMPFILE (NFS, some overlays)."""
    partial = f".ezrec-{os.getpid()}{name}"
    _write(dir_fd, partial, data, durable=True)
    try:
        rename_new(dir_fd, partial, name)
    except FileExistsError:
        calls.unlink(dir_fd, partial)
        raise
    sync(dir_fd)


def replace(dir_fd: int, name: str, data: bytes, *, durable: bool = True) -> None:
    """Put `data` in the place of `name`; readers see the old or the new, never a part. What is not
    `durable` may be old, new or empty after a power cut."""
    partial = f".{name.lstrip('.')}.partial"
    _write(dir_fd, partial, data, durable)
    calls.rename(dir_fd, partial, name)
    if durable:
        sync(dir_fd)


def _write(dir_fd: int, name: str, data: bytes, durable: bool) -> None:
    with open_plain(dir_fd, name, _CREATE) as fd:
        write_all(fd, data)
        if durable:
            sync(fd)


def shorten(fd: int, size: int) -> None:
    """Cut an open file off behind its first `size` bytes."""
    calls.truncate(fd, size)


def overwrite(dir_fd: int, name: str, data: bytes) -> None:
    """Write `data` as the content of the file `name` that is there. Not atomic; not synced."""
    with open_plain(dir_fd, name, os.O_WRONLY | os.O_TRUNC) as fd:
        write_all(fd, data)


def rename_new(dir_fd: int, old: str, new: str, new_dir_fd: int | None = None) -> None:
    """Rename; EEXIST where `new` is there already: nothing is ever replaced. Not synced.

    A file system that knows no such rename is refused, but for --unsafe-fs: there it is a look first, and
    what comes in between is lost.
    """
    to = dir_fd if new_dir_fd is None else new_dir_fd
    try:
        calls.rename_new(dir_fd, old, new, to)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        if exists(to, new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        calls.rename(dir_fd, old, new, to)


def exists(dir_fd: int, name: str) -> bool:
    """Whether anything bears the name."""
    try:
        calls.status(dir_fd, name)
    except FileNotFoundError:
        return False
    return True


def rename_over(dir_fd: int, old: str, new: str) -> None:
    """Rename, durably; what bore the name before is gone."""
    calls.rename(dir_fd, old, new)
    sync(dir_fd)


def remove(dir_fd: int, name: str) -> bool:
    """Remove a file; False where it was not there."""
    try:
        calls.unlink(dir_fd, name)
    except FileNotFoundError:
        return False
    return True


def remove_tree(dir_fd: int, name: str) -> None:
    """Remove the directory `name` and all that is in it, links not followed; done if it is not there."""
    try:
        with directory(name, dir_fd) as fd:
            for below, status in entries(fd):
                if stat.S_ISDIR(status.st_mode):
                    remove_tree(fd, below)
                else:
                    remove(fd, below)
        calls.remove_directory(dir_fd, name)
    except FileNotFoundError:
        return


def try_lock(fd: int, shared: bool = False) -> bool:
    """Take the flock(2) of this open file if it is free; False where somebody has it."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        calls.lock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(fd: int) -> None:
    """Give the flock(2) of this open file back."""
    calls.lock(fd, fcntl.LOCK_UN)


def close(fd: int) -> None:
    """Close a descriptor of `open_directory`."""
    os.close(fd)
