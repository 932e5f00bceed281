"""The archive: a directory, by a `file://` URL, that objects are put into whole or not at all.

An archive bears the file `.ezrec-archive`: a NAS that is not mounted is an empty directory on the SD
card, and must not be written to.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote as percent_encoded
from urllib.parse import unquote, urlsplit

from ezrec.errors import ConfigError, TryLater
from ezrec.statemachine import files
from ezrec.statemachine.names import quote

MARK = ".ezrec-archive"
#: The archive's path is the operator's own word: links in it are followed.
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TEXT = b"ezrec puts its finished videos here, and only where this file is: leave it.\n"
#: What an archive says that is away, full or broken, and may be better later.
AWAY = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE, errno.ENOENT),
        *(errno.EACCES, errno.EPERM, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET),
        *(errno.ENODEV, errno.ENXIO, errno.EREMOTEIO, errno.EBUSY, errno.EAGAIN, errno.EINTR),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    }
)


def archive_path(to: str, root: Path) -> Path:
    """The archive's directory: what `upload.to` says, else `<root>/archive`. Raises ConfigError."""
    if not to:
        return root / "archive"
    hint = "write file:///absolute/directory"
    try:
        url = urlsplit(to)
        host, path = url.netloc, unquote(url.path, errors="strict")
    except ValueError as error:
        raise ConfigError(f"upload.to: {to!r} is no URL", hint) from error
    if url.scheme != "file":
        raise ConfigError(f"upload.to: no way to upload to {url.scheme or to!r}", hint)
    if host not in ("", "localhost") or url.query or url.fragment or "\0" in path:
        raise ConfigError(f"upload.to: {to!r} names no local directory", hint)
    if not path.startswith("/") or ".." in path.split("/"):
        raise ConfigError(f"upload.to: {to!r} is no absolute path", hint)
    return Path(path)


def url_of(path: Path) -> str:
    """The `file://` URL of an absolute path."""
    return "file://" + percent_encoded(str(path))


def make_archive(path: Path) -> None:
    """Make the directory an archive, durably. Safe to repeat. OSErrors are passed on."""
    path.mkdir(parents=True, exist_ok=True)
    dir_fd = os.open(path, _DIRECTORY)
    try:
        files.create(dir_fd, MARK, _TEXT)
    except FileExistsError:
        pass
    finally:
        os.close(dir_fd)


@contextmanager
def open_archive(path: Path) -> Iterator[int]:
    """A descriptor of the archive. Raises TryLater where it is away, or bears no mark."""
    touch = f"touch {quote(str(path / MARK))}"
    try:
        with trouble_at(f"the archive {path}"):
            dir_fd = os.open(path, _DIRECTORY)
    except TryLater as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        hint = f"is it mounted? To make one: mkdir -p {quote(str(path))} && {touch}"
        raise TryLater(f"there is no archive at {path}", hint) from error
    hint = f"is it mounted? If this really is the archive: {touch}"
    try:
        with trouble_at(f"the archive {path}"):
            if MARK not in files.names(dir_fd):
                raise TryLater(f"{path} holds no {MARK}", hint)
        yield dir_fd
    finally:
        os.close(dir_fd)


@contextmanager
def trouble_at(what: str) -> Iterator[None]:
    """Turn what a place that is away, full or broken says into a TryLater that names it."""
    try:
        yield
    except OSError as error:
        if error.errno not in AWAY:
            raise
        hint = "it is tried again by itself"
        raise TryLater(f"{what} can't be used: {error.strerror}", hint) from error


def open_level(archive_fd: int, levels: tuple[str, ...]) -> int:
    """A descriptor of the directory that an object goes to, made if need be. No link is followed."""
    current = os.dup(archive_fd)
    for level in levels:
        try:
            files.make_directory(current, level)
            inner = files.open_directory(level, current)
        finally:
            os.close(current)
        current = inner
    return current
