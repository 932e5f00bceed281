"""Lines, results and tells as ezrec itself would write them, with anything in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ezrec.statemachine import journal


def place_of(root: Path, recording: str) -> str:
    """What the journal calls this very directory: whoever made it knows that."""
    root_id = (root / ".ezrec-root").read_text().strip()
    return f"{(root / recording).stat().st_ino}@{root_id[:8]}"


def line(record: Mapping[str, Any]) -> bytes:
    """One line with a checksum that is right; not cut, whatever its length."""
    body = json.dumps(record).encode()
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


def write_journal(root: Path, recording: str, records: Sequence[Mapping[str, Any]]) -> None:
    """A journal of this directory, as if ezrec had written these lines in this boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stamp = {"boot": boot, "up": 1.0, "at": "2026-11-25T12:00:00", "dir": place_of(root, recording)}
    logs = root / recording / journal.DIRECTORY
    logs.mkdir(exist_ok=True)
    lines = [line({"seq": n + 1, **stamp, **record}) for n, record in enumerate(records)]
    (logs / journal.NAME).write_bytes(b"".join(lines))
