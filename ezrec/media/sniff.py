"""Which demuxer a file is for, by its first bytes: nothing is left to ffmpeg's guessing.

A dropped `.mp4` may be a playlist that names other files, a link, a FIFO or a device.
"""

from __future__ import annotations

import errno
import os
import stat

from ezrec.errors import DataError
from ezrec.statemachine import calls

#: Enough for three packets of a transport stream with time stamps.
HEAD = 600
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot")
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"<smil", b"[playlist]", b"v=0")
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def demuxer_of(head: bytes) -> str | None:
    """`mov`, `matroska` or `mpegts` by a file's first 600 bytes; None for anything else. Pure."""
    if head[4:8] in _BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    for size, start in ((188, 0), (192, 4)):
        syncs = head[start::size][:3]
        if len(syncs) == 3 and set(syncs) == {0x47}:
            return "mpegts"
    return None


def open_footage(dir_fd: int, name: str) -> int:
    """A descriptor of the regular file `name`, for reading.

    Raises DataError where it is anything else, or is not there; nothing but a regular file is opened.
    """
    try:
        kind = stat.S_IFMT(calls.status(dir_fd, name).st_mode)
        if kind != stat.S_IFREG:
            raise DataError(f"{name} is {_KINDS.get(kind, 'no regular file')}, not a regular file")
        fd = calls.open_file(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            raise DataError(f"{name} can't be opened: {error.strerror}") from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DataError(f"{name} is not a regular file")
    return fd


def sniff(fd: int, name: str) -> str:
    """The demuxer for the open file. Raises DataError where it is no video that ezrec takes."""
    head = calls.read_at(fd, HEAD, 0)
    if not head:
        raise DataError(f"{name} is empty")
    if found := demuxer_of(head):
        return found
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PLAYLISTS):
        raise DataError(f"{name} is a playlist that names other files, not a video")
    raise DataError(f"{name} is neither MP4, MOV, Matroska nor MPEG-TS")
