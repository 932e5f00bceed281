"""An output under its partial name, until it is verified and may bear the final one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ezrec.statemachine import calls, files


@contextmanager
def partial_output(dir_fd: int, name: str) -> Iterator[int]:
    """A new file for what will be `name`, open for reading and writing.

    A left-over of an earlier run goes first. What is not published within the with block is removed.
    """
    partial = partial_name(name)
    files.remove(dir_fd, partial)
    fd = files.open_new(dir_fd, partial)
    try:
        yield fd
    finally:
        os.close(fd)
        files.remove(dir_fd, partial)


def publish(dir_fd: int, fd: int, name: str) -> None:
    """Give the partial output its final name, when it is safe on the disk: that name is never on
    anything half done. Its supervisor brings the name to the disk before it tells that it is there."""
    files.sync(fd)
    calls.rename(dir_fd, partial_name(name), name)


def publish_new(dir_fd: int, fd: int, name: str) -> None:
    """`publish`, durably, where nothing bears the name yet. Raises FileExistsError."""
    files.sync(fd)
    files.rename_new(dir_fd, partial_name(name), name)
    files.sync(dir_fd)


def partial_name(name: str) -> str:
    return f"{name}.partial"
