"""The lines of a journal: `crc32 json\\n`, at most 4 KiB; what can still be read of damaged ones. Pure."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from ezrec.statemachine import parsing

LINE_LIMIT = 4096
#: of a longer journal only its end is read
READ_LIMIT = 8 << 20
_LONGEST_ESCAPE = 12
_START = re.compile(rb"[0-9a-f]{8} \{")

Line = Mapping[str, Any]


def encode(record: Line) -> bytes:
    """One line of the journal. Texts are cut until it fits; keys and numbers are kept."""
    for limit in (4096, 1024, 256, 64):
        body = json.dumps(_shortened(record, limit), ensure_ascii=True, separators=(",", ":"))
        line = f"{zlib.crc32(body.encode()):08x} {body}\n".encode()
        if len(line) <= LINE_LIMIT:
            return line
    raise ValueError("a journal line has too many fields")


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _cut(value, limit)
    if isinstance(value, Mapping):
        return {key: _shortened(each, limit) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(each, limit) for each in value[:16]]
    return value


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes of `text` as JSON escapes it: an emoji takes twelve."""
    if len(text) * _LONGEST_ESCAPE <= limit:
        return text
    kept = text[:limit]
    while len(json.dumps(kept)) > limit + 2:
        kept = kept[: len(kept) * 3 // 4]
    return text if kept == text else kept[:-1] + "…"


def decode(data: bytes) -> list[dict[str, Any]]:
    """Every whole line, in the order of the file; what is torn or flipped is left out."""
    return [record for line in _likely(data) for record in _records(line)]


def _likely(data: bytes) -> Iterator[bytes]:
    """The lines in which one of ours may stand: millions of others cost next to nothing."""
    end = -1
    for match in _START.finditer(data):
        if match.start() > end:
            begin = data.rfind(b"\n", 0, match.start()) + 1
            end = data.find(b"\n", match.start())
            end = len(data) if end < 0 else end
            yield data[begin:end]


def damaged(data: bytes) -> int:
    """How many lines hold nothing that checks; what a cut at the beginning left is not counted."""
    lines = data.split(b"\n")
    lines = lines[1:] if len(data) >= READ_LIMIT else lines
    return sum(1 for line in lines if line and not _records(line))


def is_torn(data: bytes) -> bool:
    """Whether the last line has no end."""
    return bool(data) and not data.endswith(b"\n")


def _records(line: bytes) -> list[dict[str, Any]]:
    """The record of a line; of two lines that a flipped line end has joined, each that is whole."""
    record = _decoded(line)
    if record is not None:
        return [record]
    if len(line) > 2 * LINE_LIMIT + 1:
        return []  # nothing that two of our lines could have made
    starts = [match.start() for match in _START.finditer(line, 1)]
    parts = (part for start in starts for part in (line[: start - 1], line[start:]))
    return [record for part in parts if (record := _decoded(part)) is not None]


def _decoded(line: bytes) -> dict[str, Any] | None:
    checksum, _, body = line.partition(b" ")
    try:
        if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(body):
            return None
        record = parsing.parse(body)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("kind"), str) else None
