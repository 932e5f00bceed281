"""The root: the watched directory, known by its `.ezrec-root`, and the recordings in it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ezrec.statemachine import calls, files, names
from ezrec.statemachine.errors import DirectoryRefused, NoSuchRecording, RootBusy, RootUnusable

MARK = ".ezrec-root"
OWN = ".ezrec"
DAEMON = "daemon.json"
_INIT = "make it one: ezrec init {path}"


class Root:
    """An opened root. `reserved` are names directly below it that are never recordings."""

    def __init__(self, path: Path, reserved: frozenset[str] = frozenset()) -> None:
        self.path = path
        self.reserved = reserved
        self.fd = _open_root(path)
        try:
            self.id = _read_mark(path, self.fd)
        except RootUnusable:
            os.close(self.fd)
            raise

    def close(self) -> None:
        """Close the descriptor, and so any lock taken on it."""
        os.close(self.fd)

    def is_still_there(self) -> bool:
        """Whether the path still leads to this root: not removed, not unmounted, not another one."""
        try:
            there = os.stat(self.path / MARK, follow_symlinks=False)
            ours = calls.status(self.fd, MARK)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def reopen(self) -> None:
        """Take up the directory that stands at the path now, if it bears this root's id: one that was
        put back is another inode. The lock is taken on the new one before the old one is let go.

        Raises RootUnusable (nothing there, or another root: nothing is written into that), RootBusy,
        OSError (no lock is to be had).
        """
        fresh = _open_root(self.path)
        try:
            found = _read_mark(self.path, fresh)
            if found != self.id:
                hint = f"this one is {found}, it is waited for {self.id}"
                raise RootUnusable(f"another root stands at {self.path}", hint)
            if not _try_lock(fresh, self.path):
                raise RootBusy(f"another ezrec works on {self.path}", "see: ezrec status")
            os.dup2(fresh, self.fd, inheritable=False)
        finally:
            os.close(fresh)

    def open(self, recording_id: str) -> int:
        """A descriptor of the recording's directory, opened level by level, no link followed.

        Raises NameRefused, NoSuchRecording, DirectoryRefused.
        """
        parts = names.parts_of(recording_id)
        if parts[0] in self.reserved:
            raise NoSuchRecording(f"{recording_id!r} is the site's own directory, no recording")
        fd = self.fd
        for level, part in enumerate(parts, 1):
            try:
                below = self._open_below(fd, part, "/".join(parts[:level]), recording_id)
            finally:
                if fd != self.fd:
                    os.close(fd)
            fd = below
        return fd

    def _open_below(self, fd: int, part: str, path: str, recording_id: str) -> int:
        """One level, which lies at `path` below the root; what is in the way there is named, not what
        would lie below it: that may be another's."""
        try:
            return files.open_directory(part, fd)
        except FileNotFoundError:
            raise NoSuchRecording(
                f"there is no recording {recording_id!r}", "see: ezrec status"
            ) from None
        except PermissionError:
            mend = f'sudo chown -R "$(id -un)": {self._quoted(path)}'
            raise DirectoryRefused(f"{path!r} may not be opened", mend) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                if _is_file(fd, part):
                    raise NoSuchRecording(f"{path!r} is a file, no recording") from None
                mend = f"rm {self._quoted(path)}"
                raise DirectoryRefused(f"{path!r} is no directory", mend) from None
            raise

    def _quoted(self, path: str) -> str:
        return names.quote(str(self.path / path))

    def names_in(self, recording_id: str) -> list[str]:
        """What stands in a recording that a scan has just met. Raises as `open` does, and OSError."""
        if "/" not in recording_id:
            return calls.names_below(self.fd, recording_id)
        with self.opened(recording_id) as fd:
            return files.names(fd)

    def sync_above(self, recording_id: str) -> None:
        """Bring the recording's own name, and the date's above it, to the disk: whoever moved it in may
        not have."""
        parts = names.parts_of(recording_id)
        files.sync(self.fd)
        if len(parts) > 1:
            with files.directory(parts[0], self.fd) as date:
                files.sync(date)

    @contextmanager
    def opened(self, recording_id: str) -> Iterator[int]:
        """`open` for the length of a with block."""
        fd = self.open(recording_id)
        try:
            yield fd
        finally:
            os.close(fd)


def make_root(path: Path) -> None:
    """Make `path` a root with an id of its own, durably. One that is a root already is left alone.

    Raises RootUnusable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with files.directory(path.resolve()) as fd:
            if MARK not in files.names(fd):
                files.create(fd, MARK, (os.urandom(8).hex() + "\n").encode())
            files.make_directory(fd, OWN)
    except OSError as error:
        raise RootUnusable(f"{path} can't be made a root: {error.strerror}") from error


def _open_root(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RootUnusable(
            f"the root {path} does not exist", _INIT.format(path=names.quote(str(path)))
        ) from None
    except NotADirectoryError:
        raise RootUnusable(f"the root {path} is no directory", "name a directory") from None
    except OSError as error:
        raise RootUnusable(f"the root {path} can't be opened: {error.strerror}") from error


def _try_lock(fd: int, path: Path) -> bool:
    try:
        return files.try_lock(fd)
    except OSError as error:
        raise RootUnusable(f"the root {path} can't be locked: {error.strerror}") from error


def _read_mark(path: Path, fd: int) -> str:
    try:
        found = files.read(fd, MARK, 64).decode("ascii", "replace").strip()
    except FileNotFoundError:
        hint = f"is its disk mounted? If it is to be a root, {_INIT.format(path=names.quote(str(path)))}"
        raise RootUnusable(f"{path} is no root: it has no {MARK}", hint) from None
    except OSError as error:
        raise RootUnusable(f"{path / MARK} can't be read: {error.strerror}") from error
    if not found:
        mark, init = names.quote(str(path / MARK)), _INIT.format(path=names.quote(str(path)))
        raise RootUnusable(f"{path / MARK} is empty: it names no root", f"rm {mark}, then {init}")
    return found


def _is_file(dir_fd: int, name: str) -> bool:
    try:
        return stat.S_ISREG(calls.status(dir_fd, name).st_mode)
    except OSError:
        return False
