"""One object on its way into the archive: copied, read back, announced, named; never over a stranger's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ezrec import objects, receipt
from ezrec.archive import trouble_at
from ezrec.errors import DataError, EzrecError, TryLater
from ezrec.hook import Job, note, progress
from ezrec.objects import Digest, Told
from ezrec.receipt import SOURCE
from ezrec.statemachine import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One object on its way: from the open `source` of the open `recording` to `name` in `shelf`.

    `shelf` is the open directory in the archive, `key` the object's path below the archive.
    """

    job: Job
    recording: int
    source: int
    shelf: int
    name: str
    key: str
    path: Path

    @property
    def partial(self) -> str:
        usable = re.fullmatch(r"[0-9A-Za-z-]{1,64}", self.job.run_id)
        return f"{self.name}.partial-{self.job.run_id if usable else os.getpid()}"

    def trouble_here(self) -> AbstractContextManager[None]:
        """What goes wrong inside is the recording's own disk, not the archive's."""
        return trouble_at(f"the recording {self.job.recording_dir}")


def remove_stale(upload: Outgoing) -> None:
    """What earlier runs of this recording left half done."""
    for name in files.names(upload.shelf):
        if re.fullmatch(re.escape(upload.name) + r"\.partial-[0-9A-Za-z-]{1,64}", name):
            files.remove(upload.shelf, name)


def put(upload: Outgoing) -> Digest:
    """See to it that the object is there, whole; what it is."""
    there = objects.digest_there(upload.shelf, upload.name)
    if there is not None and _is_source(upload, there):
        objects.settle(upload.shelf, upload.name)
        note("the same object is in the archive already")
        return there
    if there is not None and not _is_ours(upload, there):
        raise DataError(
            f"another {upload.key} is in the archive, which this recording's receipt does not know",
            f"move {upload.path} away, then: ezrec push {upload.job.recording_id} merged",
        )
    try:
        digest = _copy(upload)
        _announce(upload, digest)
        _name(upload, replace=there is not None)
    finally:
        files.remove(upload.shelf, upload.partial)
    return digest


def _is_source(upload: Outgoing, there: Digest) -> bool:
    with upload.trouble_here():
        same_size = there.size == os.fstat(upload.source).st_size
        return same_size and objects.digest_of(upload.source) == there


def _is_ours(upload: Outgoing, there: Digest) -> bool:
    with upload.trouble_here():
        return receipt.describes(receipt.read(upload.recording), upload.key, there)


def _copy(upload: Outgoing) -> Digest:
    """Copy, and read the copy back: what was sent must be what is there."""
    before = os.fstat(upload.source)
    share = max(before.st_size, 1) / 50
    sent = objects.copy_in(_pieces(upload), upload.shelf, upload.partial, _telling(share, 0))
    with files.open_plain(upload.shelf, upload.partial, os.O_RDONLY) as fd:
        if objects.digest_of(fd, _telling(share, 50)) != sent:
            raise TryLater(f"the archive gave back other bytes of {upload.key} than it was given")
    after = os.fstat(upload.source)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise EzrecError(f"{SOURCE} was written to while it was uploaded")
    return sent


def _pieces(upload: Outgoing) -> Iterator[bytes]:
    with upload.trouble_here():
        yield from objects.chunks_of(upload.source)


def _announce(upload: Outgoing, digest: Digest) -> None:
    """Say in the receipt what is about to stand there, so that it is ours after a crash too."""
    with upload.trouble_here():
        known = receipt.read(upload.recording)
        old = known if known.get("key") == upload.key else {"key": upload.key}
        pending = {"size": digest.size, "sha256": digest.sha256}
        receipt.write(upload.recording, {**old, "pending": pending})


def _name(upload: Outgoing, replace: bool) -> None:
    shelf = upload.shelf
    if replace:
        files.rename_over(shelf, upload.partial, upload.name)
        return
    try:
        objects.name_new(shelf, upload.partial, upload.name)
    except FileExistsError as error:
        raise TryLater(f"somebody else has just put {upload.key} there") from error


def _telling(share: float, start: float) -> Told:
    """Tells of progress from `start` percent on, once for each whole percent."""
    last = -1

    def told(done: int) -> None:
        nonlocal last
        if (percent := int(start + done / share)) != last:
            last = percent
            progress(percent)

    return told
