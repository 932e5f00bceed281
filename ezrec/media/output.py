"""An output under its partial name, until it is verified and may bear the final one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ezrec.statemachine import files


@contextmanager
def partial_output(dir_fd: int, name: str) -> Iterator[int]:
    """A new file for what will be `name`, open for reading and writing.

    A left-over of an earlier run goes first. What is not published within the with block is removed.
    """
    partial = partial_name(name)
    files.remove(dir_fd, partial)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(partial, flags, 0o644, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)
        files.remove(dir_fd, partial)


def publish(dir_fd: int, fd: int, name: str) -> None:
    """Give the partial output its final name, durably: the file first, then the name."""
    files.sync(fd)
    os.rename(partial_name(name), name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    files.sync(dir_fd)


def partial_name(name: str) -> str:
    return f"{name}.partial"
