"""Our own file-system wrapper: every call by which ezrec changes or trusts the disk goes through here.

All names are relative to an open directory, no link is ever followed, and nothing that stands there is
ever replaced but by `replace`. Errors are OSError, as the kernel gives them.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_RENAME_NOREPLACE = 1
_FILE_MODE = 0o644
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


def open_directory(name: str | os.PathLike[str], dir_fd: int | None = None) -> int:
    """A descriptor of the directory `name`; ELOOP or ENOTDIR where it is a link or no directory."""
    return os.open(name, _DIRECTORY, dir_fd=dir_fd)


@contextmanager
def directory(name: str | os.PathLike[str], dir_fd: int | None = None) -> Iterator[int]:
    """`open_directory` for the length of a with block."""
    fd = open_directory(name, dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def make_directory(dir_fd: int, name: str) -> None:
    """Make the subdirectory `name` durably, if it is not there."""
    try:
        os.mkdir(name, 0o755, dir_fd=dir_fd)
    except FileExistsError:
        return
    sync(dir_fd)


def names(dir_fd: int) -> list[str]:
    """The names in the directory, in no order."""
    return os.listdir(dir_fd)


def entries(dir_fd: int) -> list[tuple[str, os.stat_result]]:
    """Every name in the directory with its own stat (links not followed); what vanishes is left out."""
    found = []
    for name in os.listdir(dir_fd):
        try:
            found.append((name, os.stat(name, dir_fd=dir_fd, follow_symlinks=False)))
        except FileNotFoundError:
            continue
    return found


def is_plain(status: os.stat_result) -> bool:
    """Whether this is a regular file with one link: what a marker has to be."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def read(dir_fd: int, name: str, limit: int) -> bytes:
    """At most `limit` bytes of the regular file `name`; EINVAL where it is anything else."""
    with open_plain(dir_fd, name, os.O_RDONLY) as fd:
        return os.pread(fd, limit, 0)


@contextmanager
def open_plain(dir_fd: int, name: str, flags: int) -> Iterator[int]:
    """A descriptor of `name`, which has to be a regular file with one link (EINVAL otherwise).

    O_TRUNC takes effect only then: a hard link to somebody else's file is left as it is. A reader
    whose file is replaced just now has the old one.
    """
    safe = flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(name, safe, _FILE_MODE, dir_fd=dir_fd)
    try:
        status = os.fstat(fd)
        replaced = status.st_nlink == 0 and flags & os.O_ACCMODE == os.O_RDONLY
        if not is_plain(status) and not (replaced and stat.S_ISREG(status.st_mode)):
            raise OSError(errno.EINVAL, "not a regular file with one link", name)
        if flags & os.O_TRUNC:
            os.ftruncate(fd, 0)
        yield fd
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however many calls it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync(fd: int) -> None:
    """fsync of a file or directory. After an error the pages are gone: do the step over."""
    os.fsync(fd)


def create(dir_fd: int, name: str, data: bytes, *, durable: bool = True) -> None:
    """Make `name` with `data` in it, whole at the moment it appears; EEXIST if it is there already."""
    try:
        fd = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, _FILE_MODE, dir_fd=dir_fd)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        _create_renamed(dir_fd, name, data)
        return
    try:
        write_all(fd, data)
        if durable:
            sync(fd)
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=dir_fd, follow_symlinks=True)
    finally:
        os.close(fd)
    if durable:
        sync(dir_fd)


def _create_renamed(dir_fd: int, name: str, data: bytes) -> None:
    """`create` for file systems that know no O_TMPFILE (NFS, some overlays)."""
    partial = f".ezrec-{os.getpid()}{name}"
    with open_plain(dir_fd, partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        write_all(fd, data)
        sync(fd)
    try:
        rename_new(dir_fd, partial, name)
    except FileExistsError:
        os.unlink(partial, dir_fd=dir_fd)
        raise
    sync(dir_fd)


def replace(dir_fd: int, name: str, data: bytes) -> None:
    """Put `data` in the place of `name`, durably; readers see the old or the new, never a part."""
    partial = f".{name.lstrip('.')}.partial"
    with open_plain(dir_fd, partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        write_all(fd, data)
        sync(fd)
    rename_over(dir_fd, partial, name)


def overwrite(dir_fd: int, name: str, data: bytes) -> None:
    """Write `data` as the content of the file `name` that is there. Not atomic; not synced."""
    with open_plain(dir_fd, name, os.O_WRONLY) as fd:
        os.ftruncate(fd, 0)
        write_all(fd, data)


def rename_new(dir_fd: int, old: str, new: str, new_dir_fd: int | None = None) -> None:
    """renameat2(RENAME_NOREPLACE): EEXIST where `new` is there already; nothing is ever replaced."""
    target = dir_fd if new_dir_fd is None else new_dir_fd
    done = _libc.renameat2(dir_fd, os.fsencode(old), target, os.fsencode(new), _RENAME_NOREPLACE)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), old, None, new)


def remove(dir_fd: int, name: str) -> bool:
    """Remove a file; False where it was not there."""
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return False
    return True


def try_lock(fd: int, shared: bool = False) -> bool:
    """Take the flock(2) of this open file if it is free; False where somebody has it."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(fd: int) -> None:
    """Take the flock(2) of this open file, waiting for it."""
    fcntl.flock(fd, fcntl.LOCK_EX)


def unlock(fd: int) -> None:
    """Give the flock(2) of this open file back."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def close(fd: int) -> None:
    """Close a descriptor of `open_directory`."""
    os.close(fd)


def read_end(fd: int, limit: int) -> bytes:
    """The last `limit` bytes of an open file."""
    return os.pread(fd, limit, max(0, os.fstat(fd).st_size - limit))


def rename_over(dir_fd: int, old: str, new: str) -> None:
    """Rename, durably; what bore the name before is gone."""
    os.rename(old, new, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    sync(dir_fd)
