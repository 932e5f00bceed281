"""The root: the watched directory, known by its `.ezrec-root`, and the recordings in it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ezrec.statemachine import files, names
from ezrec.statemachine.errors import DirectoryRefused, NoSuchRecording, RootUnusable

MARK = ".ezrec-root"
OWN = ".ezrec"
DAEMON = "daemon.json"
_INIT = "make it one: ezrec init {path}"


@dataclass(frozen=True, slots=True)
class Found:
    """A directory that a scan met: its id, and a token that changes when an entry comes or goes."""

    id: str
    token: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A directory that can't be a recording, why, and the one command that mends it."""

    path: str
    problem: str
    mend: str


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
            ours = os.stat(MARK, dir_fd=self.fd, follow_symlinks=False)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def open(self, recording_id: str) -> int:
        """A descriptor of the recording's directory, opened level by level, no link followed.

        Raises NameRefused, NoSuchRecording, DirectoryRefused.
        """
        parts = names.parts_of(recording_id)
        if parts[0] in self.reserved:
            raise NoSuchRecording(f"{recording_id!r} is the site's own directory, no recording")
        fd = self.fd
        for part in parts:
            try:
                below = self._open_below(fd, part, recording_id)
            finally:
                if fd != self.fd:
                    os.close(fd)
            fd = below
        return fd

    def _open_below(self, fd: int, part: str, recording_id: str) -> int:
        path = names.quote(str(self.path / recording_id))
        try:
            return files.open_directory(part, fd)
        except FileNotFoundError:
            raise NoSuchRecording(
                f"there is no recording {recording_id!r}", "see: ezrec status"
            ) from None
        except PermissionError:
            raise DirectoryRefused(
                f"{recording_id!r} may not be opened", f'sudo chown -R "$(id -un)": {path}'
            ) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                if _is_file(fd, part):
                    raise NoSuchRecording(f"{recording_id!r} is a file, no recording") from None
                raise DirectoryRefused(f"{recording_id!r} is no directory", f"rm {path}") from None
            raise

    @contextmanager
    def opened(self, recording_id: str) -> Iterator[int]:
        """`open` for the length of a with block."""
        fd = self.open(recording_id)
        try:
            yield fd
        finally:
            os.close(fd)

    def scan(self) -> Iterator[Found | Refusal]:
        """Every directory one or two levels below the root; a stat for each, no listing of any.

        Raises RootUnusable where the root itself can't be listed.
        """
        try:
            listing = _listed(self.path)
        except OSError as error:
            raise RootUnusable(
                f"the root {self.path} can't be listed: {error.strerror}",
                "mend that, it is tried again",
            ) from error
        for entry in listing:
            if entry.name.startswith(".") or entry.name in self.reserved:
                continue
            if names.is_date(entry.name) and entry.is_dir(follow_symlinks=False):
                yield from self._scan_date(entry)
            else:
                yield from self._met(entry, "")

    def _scan_date(self, date: os.DirEntry[str]) -> Iterator[Found | Refusal]:
        try:
            listing = _listed(Path(date.path))
        except FileNotFoundError:
            return
        except OSError as error:
            mend = f'sudo chown -R "$(id -un)": {names.quote(date.path)}'
            yield Refusal(date.path, f"it can't be listed: {error.strerror}", mend)
            return
        for below in listing:
            if not below.name.startswith("."):
                yield from self._met(below, f"{date.name}/")

    def _met(self, entry: os.DirEntry[str], prefix: str) -> Iterator[Found | Refusal]:
        try:
            if not entry.is_dir(follow_symlinks=False):
                if entry.is_symlink() and entry.is_dir():
                    yield Refusal(
                        entry.path, "a link is never followed", f"rm {names.quote(entry.path)}"
                    )
                return
            if names.is_name(entry.name):
                yield Found(prefix + entry.name, entry.stat(follow_symlinks=False).st_mtime_ns)
            else:
                taken = set(os.listdir(Path(entry.path).parent))
                mend = names.mend_name(entry.path, entry.name, taken)
                yield Refusal(entry.path, "its name can't be a recording's id", mend)
        except FileNotFoundError:
            return

    def find(self, text: str) -> str:
        """The id that a person means: an id, a bare name that is unique, or a path.

        Raises NoSuchRecording, NameRefused.
        """
        wanted = self._relative(text)
        if "/" in wanted or self._is_directory(wanted):
            return "/".join(names.parts_of(wanted))
        hits = [f.id for f in self.scan() if isinstance(f, Found) and f.id.endswith("/" + wanted)]
        if len(hits) > 1:
            raise NoSuchRecording(f"{text!r} is {' and '.join(sorted(hits))}", "say which")
        if not hits:
            names.parts_of(wanted)
            raise NoSuchRecording(
                f"there is no recording {text!r} in {self.path}", "see: ezrec status"
            )
        return hits[0]

    def _relative(self, text: str) -> str:
        path = Path(text)
        if path.is_absolute() or text.startswith((".", "~")):
            given = Path(os.path.abspath(os.path.expanduser(text)))
            full = given.parent.resolve() / given.name  # the recording itself may not be a link
            home = self.path.resolve()
            if full.is_relative_to(home) and full != home:
                return str(full.relative_to(home))
            raise NoSuchRecording(f"{text!r} does not lie in {self.path}")
        return text.rstrip("/")

    def _is_directory(self, name: str) -> bool:
        return names.is_name(name) and (self.path / name).is_dir()


def make_root(path: Path) -> None:
    """Make `path` a root with an id of its own, durably. One that is a root already is left alone.

    Raises RootUnusable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with files.directory(path.resolve()) as fd:
            if MARK not in files.names(fd):
                files.create(fd, MARK, (secrets.token_hex(8) + "\n").encode())
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


def _read_mark(path: Path, fd: int) -> str:
    try:
        return files.read(fd, MARK, 64).decode("ascii", "replace").strip()
    except FileNotFoundError:
        hint = f"is its disk mounted? If it is to be a root, {_INIT.format(path=names.quote(str(path)))}"
        raise RootUnusable(f"{path} is no root: it has no {MARK}", hint) from None
    except OSError as error:
        raise RootUnusable(f"{path / MARK} can't be read: {error.strerror}") from error


def _is_file(dir_fd: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _listed(path: Path) -> list[os.DirEntry[str]]:
    with os.scandir(path) as listing:
        return sorted(listing, key=lambda entry: entry.name)
