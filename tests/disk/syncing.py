"""After a failed fsync: whether the data of that file was written anew before it was synced again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Redone:
    """`files` and `directories`: failed fsyncs. `wrong`: files that were only synced once more."""

    files: int
    directories: int
    wrong: tuple[str, ...]


def redone(home: Path, root: Path) -> Redone:
    """Go through all that was done to data in a run. A directory has no data of its own: its entries are
    in the file system's journal, which stops as a whole where it can't be written. An inode that is free
    again may be given to another recording, so a file is known by both."""
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    failed: set[tuple[str, int]] = set()
    for line in (home / "data").read_bytes().splitlines():
        recording, role, call, path, inode, kind = json.loads(line)
        if call == "failed sync":
            counted[kind] += 1
            failed |= {(recording, inode)} if kind == "file" else set()
        elif call in ("write", "write_at", "truncate"):
            failed.discard((recording, inode))
        elif call == "sync" and (recording, inode) in failed:
            wrong.append(f"{recording}: {role} synced {Path(path).relative_to(root)} once more")
    return Redone(files=counted["file"], directories=counted["directory"], wrong=tuple(wrong))
