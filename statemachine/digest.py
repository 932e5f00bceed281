"""A short digest that tells whether something has changed. No protection against anybody."""

from __future__ import annotations

import zlib
from collections.abc import Iterable


def digest(rows: Iterable[object]) -> str:
    """16 hexadecimal digits, equal for rows whose `repr` is equal. A checksum and not a hash: whoever may
    write here has no need to forge one, and to load a library of cryptography takes longer than all else
    that `ezrec status` does."""
    crc, adler = 0, 1
    for row in rows:
        text = repr(row).encode("utf-8", "surrogateescape")
        crc, adler = zlib.crc32(text, crc), zlib.adler32(text, adler)
    return f"{crc:08x}{adler:08x}"
