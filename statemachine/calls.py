"""Every system call by which ezrec changes or trusts the disk: announced first, then made.

Before each of them comes an audit event (PEP 578): `sys.audit("ezrec.disk", call, fd, *arguments)`, where
`fd` is the open file, or the directory that a name is relative to. A hook of `sys.addaudithook` sees them
in order, and an exception that it raises comes in the place of the call: that is how the tests fail,
record and cut off any of them, in the daemon, in a supervisor and in a hook.

A name that is relative to an open directory is one level of a path: a name that came out of a journal
or a dropped file can lead nowhere else, whoever forgot to look at it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

EVENT = "ezrec.disk"
FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755
_RENAME_NOREPLACE = 1
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Name = str | os.PathLike[str]


def one_level(name: Name) -> Name:
    """`name`, where it can be an entry of a directory or the directory itself; OSError (EINVAL) else."""
    text = os.fspath(name)
    if text.isascii() and text not in ("", "..") and "/" not in text and "\0" not in text:
        return name
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"/" in encoded or b"\0" in encoded or encoded in (b"", b".."):
        raise OSError(errno.EINVAL, "not the name of one entry", text)
    return name


def open_file(name: Name, flags: int, dir_fd: int | None = None) -> int:
    """open(2), close-on-exec; a file that is made gets the mode 0644."""
    sys.audit(EVENT, "open", dir_fd, name, flags)
    where = name if dir_fd is None else one_level(name)
    return os.open(where, flags | os.O_CLOEXEC | os.O_NOCTTY, FILE_MODE, dir_fd=dir_fd)


def make_directory(dir_fd: int, name: str) -> None:
    """mkdir(2)."""
    sys.audit(EVENT, "mkdir", dir_fd, name)
    os.mkdir(one_level(name), _DIRECTORY_MODE, dir_fd=dir_fd)


def write(fd: int, data: bytes | memoryview) -> int:
    """write(2): how many bytes were taken."""
    sys.audit(EVENT, "write", fd, bytes(data))
    return os.write(fd, data)


def write_at(fd: int, data: bytes, offset: int) -> int:
    """pwrite(2): how many bytes were taken."""
    sys.audit(EVENT, "write_at", fd, data, offset)
    return os.pwrite(fd, data, offset)


def truncate(fd: int, size: int = 0) -> None:
    """ftruncate(2)."""
    sys.audit(EVENT, "truncate", fd, size)
    os.ftruncate(fd, size)


def allocate(fd: int, length: int) -> None:
    """posix_fallocate(3): from now on that many bytes can be written, however full the disk becomes."""
    sys.audit(EVENT, "allocate", fd, length)
    os.posix_fallocate(fd, 0, length)


def read_at(fd: int, limit: int, offset: int) -> bytes:
    """pread(2)."""
    sys.audit(EVENT, "read_at", fd, limit, offset)
    return os.pread(fd, limit, offset)


def sync(fd: int) -> None:
    """fsync(2) of a file or directory. After an error the pages are gone: do the step over."""
    sys.audit(EVENT, "sync", fd)
    os.fsync(fd)


def link(fd: int, dir_fd: int, name: str) -> None:
    """linkat(2): give an open nameless file a name; EEXIST where it is taken."""
    sys.audit(EVENT, "link", dir_fd, name, fd)
    os.link(f"/proc/self/fd/{fd}", one_level(name), dst_dir_fd=dir_fd, follow_symlinks=True)


def link_name(dir_fd: int, old: str, new: str) -> None:
    """linkat(2): a second name for a file; EEXIST where it is taken."""
    sys.audit(EVENT, "link_name", dir_fd, old, new)
    os.link(one_level(old), one_level(new), src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def rename(dir_fd: int, old: str, new: str, new_dir_fd: int | None = None) -> None:
    """renameat(2): what bore the name before is gone."""
    to = dir_fd if new_dir_fd is None else new_dir_fd
    sys.audit(EVENT, "rename", dir_fd, old, new, *((to,) if to != dir_fd else ()))
    os.rename(one_level(old), one_level(new), src_dir_fd=dir_fd, dst_dir_fd=to)


@cache
def _libc() -> ctypes.CDLL:
    """Loaded at the first rename: most commands make none."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def rename_new(dir_fd: int, old: str, new: str, new_dir_fd: int) -> None:
    """renameat2(2) with RENAME_NOREPLACE: EEXIST where `new` is there already."""
    sys.audit(EVENT, "rename_new", dir_fd, old, new, new_dir_fd)
    import ctypes

    source, target = os.fsencode(one_level(old)), os.fsencode(one_level(new))
    done = _libc().renameat2(dir_fd, source, new_dir_fd, target, _RENAME_NOREPLACE)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), old, None, new)


def unlink(dir_fd: int, name: str) -> None:
    """unlink(2)."""
    sys.audit(EVENT, "unlink", dir_fd, name)
    os.unlink(one_level(name), dir_fd=dir_fd)


def remove_directory(dir_fd: int, name: str) -> None:
    """rmdir(2)."""
    sys.audit(EVENT, "rmdir", dir_fd, name)
    os.rmdir(one_level(name), dir_fd=dir_fd)


def names(dir_fd: int) -> list[str]:
    """getdents(2): the names in an open directory, in no order."""
    sys.audit(EVENT, "names", dir_fd)
    return os.listdir(dir_fd)


def names_below(dir_fd: int, name: str) -> list[str]:
    """The names in the directory `name`, in no order: open(2), getdents(2) and close(2), announced as one.
    ELOOP or ENOTDIR where it is a link or no directory."""
    sys.audit(EVENT, "names_below", dir_fd, name)
    fd = os.open(one_level(name), _LISTED, dir_fd=dir_fd)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def status(dir_fd: int, name: str) -> os.stat_result:
    """fstatat(2), links not followed."""
    sys.audit(EVENT, "status", dir_fd, name)
    return os.stat(one_level(name), dir_fd=dir_fd, follow_symlinks=False)


def lock(fd: int, operation: int) -> None:
    """flock(2)."""
    sys.audit(EVENT, "lock", fd, operation)
    fcntl.flock(fd, operation)
