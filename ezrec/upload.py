"""The stage `upload`: `merged.mp4` copied into the archive, compared there, named, and receipted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ezrec import archive, receipt
from ezrec.archive import trouble_at
from ezrec.errors import DataError
from ezrec.hook import Job, progress
from ezrec.media.boxes import check_mp4
from ezrec.media.sniff import open_footage
from ezrec.objects import Digest
from ezrec.outgoing import Outgoing, put, remove_stale
from ezrec.receipt import SOURCE
from ezrec.statemachine import files
from ezrec.statemachine.errors import NameRefused
from ezrec.statemachine.names import parts_of


def upload_recording(job: Job) -> None:
    """Put `merged.mp4` into the archive as `<recording id>.mp4`, and keep a receipt. Safe to repeat.

    An equal object that is there counts as done. A different one is replaced only where this
    recording's own receipt describes it. Raises TryLater where the archive is away or full,
    ConfigError where `upload.to` will not do, DataError where the video or the object is refused.
    """
    with _opened(job) as upload:
        with trouble_at(f"the archive {upload.path.parent}"):
            remove_stale(upload)
            digest = put(upload)
        with upload.trouble_here():
            receipt.write(upload.recording, _receipt(upload, digest))
    progress(100)


@contextmanager
def _opened(job: Job) -> Iterator[Outgoing]:
    place, levels = archive.archive_path(job.upload.to, job.root), _levels(job.recording_id)
    key = "/".join(levels) + ".mp4"
    with (
        files.directory(".") as recording,
        _source(recording) as source,
        archive.open_archive(place) as archive_fd,
    ):
        with trouble_at(f"the archive {place}"):
            shelf = archive.open_level(archive_fd, levels[:-1])
        try:
            yield Outgoing(
                job=job,
                recording=recording,
                source=source,
                shelf=shelf,
                name=f"{levels[-1]}.mp4",
                key=key,
                path=place / key,
            )
        finally:
            os.close(shelf)


@contextmanager
def _source(recording: int) -> Iterator[int]:
    """`merged.mp4`, open. Raises DataError where it is not there or not whole."""
    fd = open_footage(recording, SOURCE)
    try:
        if trouble := check_mp4(fd):
            raise DataError(f"{SOURCE} can't be uploaded: {trouble}", "merge again: touch .done")
        yield fd
    finally:
        os.close(fd)


def _levels(recording_id: str) -> tuple[str, ...]:
    try:
        return parts_of(recording_id)
    except NameRefused as error:
        raise DataError(error.message, error.hint) from error


def _receipt(upload: Outgoing, digest: Digest) -> dict[str, object]:
    return {
        "url": archive.url_of(upload.path),
        "path": str(upload.path),
        "key": upload.key,
        "size": digest.size,
        "sha256": digest.sha256,
        "source": receipt.source_facts(os.fstat(upload.source)),
        "run": upload.job.run_id,
    }
