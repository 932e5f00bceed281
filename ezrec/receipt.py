"""`receipt.json`: what was archived of a recording, where, and from which file.

While an object is being replaced it also says what is about to stand there (`pending`): a crash in
between must not make our own object a stranger's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ezrec import document
from ezrec.errors import DataError
from ezrec.objects import Digest
from ezrec.statemachine import calls, files
from ezrec.statemachine.runs import WORLD

NAME = "receipt.json"
SOURCE = "merged.mp4"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_receipt(directory: int | str | os.PathLike[str]) -> str | None:
    """None where the receipt is sound and speaks of the `merged.mp4` that is there now.

    Else one sentence. `directory` is the recording, as a path or an open descriptor. Cheap: sizes and
    times are compared, nothing is hashed. Raises OSError where the disk does not give it back.
    """
    try:
        with _opened(directory) as dir_fd:
            return _trouble(read(dir_fd), source_facts(calls.status(dir_fd, SOURCE)))
    except DataError as error:
        return error.message
    except FileNotFoundError:
        return f"there is no {SOURCE}"
    except OSError as error:
        if error.errno in WORLD:
            raise
        return f"{NAME} can't be read: {error.strerror}"


def read(dir_fd: int) -> dict[str, object]:
    """The receipt; empty where there is none. Raises DataError where it is no JSON object."""
    return document.read(dir_fd, NAME)


def write(dir_fd: int, receipt: Mapping[str, object]) -> None:
    document.write(dir_fd, receipt, NAME)


def source_facts(status: os.stat_result) -> dict[str, object]:
    """What ties a receipt to the very file that it was made of."""
    return {"name": SOURCE, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def describes(receipt: Mapping[str, object], key: str, there: Digest) -> bool:
    """Whether this receipt says that the object under `key` is ours."""
    if receipt.get("key") != key:
        return False
    return any(_matches(entry, there) for entry in (receipt, receipt.get("pending")))


def _matches(entry: object, there: Digest) -> bool:
    if not isinstance(entry, dict):
        return False
    return entry.get("size") == there.size and entry.get("sha256") == there.sha256


def _trouble(receipt: Mapping[str, object], source: Mapping[str, object]) -> str | None:
    if not receipt:
        return f"there is no {NAME}: nothing was uploaded"
    if "pending" in receipt:
        return f"{NAME} speaks of an upload that was begun and never confirmed"
    sha256, size = receipt.get("sha256"), receipt.get("size")
    texts = all(
        isinstance(receipt.get(key), str) and receipt[key] for key in ("url", "key", "path")
    )
    if not texts or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return f"{NAME} is incomplete"
    if receipt.get("source") != source or size != source["size"]:
        return f"{NAME} speaks of another {SOURCE} than the one that is here"
    return None


@contextmanager
def _opened(directory: int | str | os.PathLike[str]) -> Iterator[int]:
    if isinstance(directory, int):
        yield directory
        return
    with files.directory(directory) as dir_fd:
        yield dir_fd
