"""Objects in an archive: written under another name, read back, and only then given theirs."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ezrec.errors import DataError
from ezrec.statemachine import calls, files

_CHUNK = 1 << 20
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NO_SUCH_CALL = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

#: Told the bytes that are done.
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a file is: its size in bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def digest_of(fd: int, told: Told = lambda done: None) -> Digest:
    """Read the whole open file, from the disk where the kernel lets us choose."""
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    total, done = hashlib.sha256(), 0
    for chunk in chunks_of(fd):
        total.update(chunk)
        done += len(chunk)
        told(done)
    return Digest(size=done, sha256=total.hexdigest())


def digest_there(dir_fd: int, name: str) -> Digest | None:
    """What the object `name` is; None where there is none. Raises DataError where it is no file."""
    try:
        kind = calls.status(dir_fd, name).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(kind):
        raise DataError(f"{name} in the archive is no regular file", "move it away")
    fd = calls.open_file(name, _PLAIN, dir_fd)
    try:
        return digest_of(fd)
    finally:
        os.close(fd)


def chunks_of(fd: int) -> Iterator[bytes]:
    """The open file from its start, piece by piece."""
    done = 0
    while chunk := calls.read_at(fd, _CHUNK, done):
        yield chunk
        done += len(chunk)


def copy_in(
    chunks: Iterable[bytes], dir_fd: int, name: str, told: Told = lambda done: None
) -> Digest:
    """Write the pieces as a new file `name`, synced. Raises EEXIST where there is one."""
    fd = files.open_new(dir_fd, name)
    try:
        total, done = hashlib.sha256(), 0
        for chunk in chunks:
            total.update(chunk)
            files.write_all(fd, chunk)
            done += len(chunk)
            told(done)
        files.sync(fd)
    finally:
        os.close(fd)
    return Digest(size=done, sha256=total.hexdigest())


def settle(dir_fd: int, name: str) -> None:
    """Bring an object that is there, and its name, to the disk: whoever wrote it may not have."""
    fd = calls.open_file(name, _PLAIN, dir_fd)
    try:
        files.sync(fd)
    finally:
        os.close(fd)
    files.sync(dir_fd)


def name_new(dir_fd: int, partial: str, name: str) -> None:
    """Give the partial object its name; EEXIST where an object has it. Durable.

    A share that knows no RENAME_NOREPLACE is asked by link(2); one that knows neither is looked at
    first, which leaves a moment in which somebody else could take the name.
    """
    try:
        files.rename_new(dir_fd, partial, name)
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise
        _link_new(dir_fd, partial, name)
    files.sync(dir_fd)


def _link_new(dir_fd: int, partial: str, name: str) -> None:
    try:
        calls.link_name(dir_fd, partial, name)
        calls.unlink(dir_fd, partial)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if name in files.names(dir_fd):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
        calls.rename(dir_fd, partial, name)
