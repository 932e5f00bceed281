"""One recording's directory, opened: what stands in it (`look`), and the only writer of its markers."""

import errno
import json
import os
import stat
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ezrec.statemachine import files, journal, runs
from ezrec.statemachine.digest import digest
from ezrec.statemachine.lifecycle import HOLD, LOCK, Lifecycle

NOTE_LIMIT = 4096
POKE = ".ezrec-poke"
Entry = tuple[str, os.stat_result]
_HARMLESS = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.ENOENT)


class Sighting(NamedTuple):
    """One look at a directory. `present`: states whose markers stand there. `odd`: names that bear a
    marker's name and are no marker (a link, a directory, a FIFO, two hard links). `content` is a
    fingerprint of names, sizes and mtimes of all that is not ezrec's own."""

    present: frozenset[str]
    names: frozenset[str]
    lock: bool
    hold: bool
    payload: bool
    odd: tuple[str, ...]
    content: str


class Place:
    """The directory behind the descriptor `fd`, which it owns. Raises OSError as the kernel does."""

    def __init__(self, fd: int, lifecycle: Lifecycle) -> None:
        self.fd = fd
        self._lifecycle = lifecycle

    def close(self) -> None:
        """Close the descriptor; a lease taken through it ends unless somebody else holds it too."""
        os.close(self.fd)

    def look(self) -> Sighting:
        """List the directory and stat what is in it, links not followed."""
        return sighting(self._lifecycle, self.entries())

    def entries(self) -> list[Entry]:
        """What is in the directory."""
        return files.entries(self.fd)

    def log_entries(self) -> list[Entry]:
        """What is in its `logs`; nothing where that is no directory."""
        try:
            with files.directory(journal.DIRECTORY, self.fd) as logs:
                return files.entries(logs)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
            return []

    def create(self, marker: str, note: Mapping[str, Any], *, durable: bool = True) -> None:
        """Make a marker, whole at once; FileExistsError where one stands there. `durable` is its name:
        what is in it is for people."""
        files.create(self.fd, marker, note_bytes(note), durable=False)
        if durable:
            files.sync(self.fd)

    def write_note(self, marker: str, note: Mapping[str, Any]) -> None:
        """Put the note into a marker before it is renamed. That it can't be written (a marker made
        with sudo, a full disk) blocks nothing."""
        try:
            files.overwrite(self.fd, marker, note_bytes(note))
        except OSError as error:
            if error.errno not in _HARMLESS:
                raise

    def rename(self, old: str, new: str) -> None:
        """Turn one marker into another, durably; FileExistsError where an operator was first."""
        files.rename_new(self.fd, old, new)
        files.sync(self.fd)

    def remove_logs(self, names: list[str]) -> None:
        """Remove files of dead runs from `logs`."""
        if not names:
            return  # there may be no such directory
        with files.directory(journal.DIRECTORY, self.fd) as logs:
            for name in names:
                files.remove(logs, name)

    def renew_journal(self, aside: str) -> None:
        """Put what stands in the journal's place aside in `logs`; a file's content goes on in a new one."""
        with files.directory(journal.DIRECTORY, self.fd) as logs:
            content = journal.linked_content(logs)
            files.rename_new(logs, journal.NAME, aside)
            if content:
                files.create(logs, journal.NAME, content)

    def forget(self, run: str) -> None:
        """Remove the files of a run that is journaled."""
        runs.forget(self.fd, run)

    def poke(self) -> None:
        """Let a daemon know that something changed which makes no event: a name comes and goes."""
        name = f"{POKE}-{os.getpid()}"
        try:
            files.create(self.fd, name, b"", durable=False)
        except FileExistsError:
            pass  # left by a command that was killed: that it goes is an event too
        files.remove(self.fd, name)

    def remove(self, markers: list[str]) -> None:
        """Remove markers that have lost, durably. First of all what an operator's hands have dropped and
        removed is brought to the disk: the winner must be safe before a loser goes."""
        files.sync(self.fd)
        removed = [marker for marker in markers if files.remove(self.fd, marker)]
        if removed:
            files.sync(self.fd)

    def remove_lock(self) -> None:
        """Take `.lock` away; one that comes back after a power cut is stale and harmless."""
        files.remove(self.fd, LOCK)


def is_finished(lifecycle: Lifecycle, names: Collection[str]) -> bool:
    """Whether a mere listing shows one final marker and no lock: nothing to do, nothing to read. Pure."""
    states = [state for marker, state in lifecycle.markers.items() if marker in names]
    if len(states) != 1 or LOCK in names or lifecycle.state(states[0]).error:
        return False
    return lifecycle.is_final(states[0])


def note_bytes(note: Mapping[str, Any]) -> bytes:
    """A marker's content: short JSON for people, at most 4 KiB, never read by a machine."""
    text = json.dumps(note, ensure_ascii=False, indent=1, default=str) + "\n"
    return text.encode("utf-8", "replace")[:NOTE_LIMIT]


def sighting(lifecycle: Lifecycle, entries: list[Entry]) -> Sighting:
    """What a listing means under a lifecycle. Pure."""
    special = {LOCK, HOLD, *lifecycle.markers}
    odd = tuple(sorted(n for n, st in entries if n in special and not _may_mark(n, st)))
    plain = {name for name, status in entries if name in special and name not in odd}
    present = frozenset(lifecycle.markers[n] for n in plain if n in lifecycle.markers)
    return Sighting(
        present=present,
        names=frozenset(name for name, _ in entries),
        lock=LOCK in plain,
        hold=any(name == HOLD for name, _ in entries),
        payload=any(_is_payload(lifecycle, entry) for entry in entries),
        odd=tuple(name for name in odd if name != HOLD),
        content=fingerprint([e for e in entries if e[0] not in special and not _is_own(e[0])]),
    )


def _may_mark(name: str, status: os.stat_result) -> bool:
    return name == HOLD or files.is_plain(status)


def _is_own(name: str) -> bool:
    return name == journal.DIRECTORY or name.startswith(".ezrec-")


def _is_payload(lifecycle: Lifecycle, entry: Entry) -> bool:
    name, status = entry
    return stat.S_ISREG(status.st_mode) and status.st_size > 0 and lifecycle.is_payload(name)


def fingerprint(entries: list[Entry]) -> str:
    """Equal for two looks between which no file came, went, grew or was touched."""
    rows = sorted((os.fsencode(n), st.st_size, st.st_mtime_ns, st.st_ino) for n, st in entries)
    return digest(rows)
