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
    again may be given to another recording, so a file is known by both; and to a file that a shell has made,
    whose writes nobody sees: where the time of the last write is another one, it was written anew."""
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    failed: dict[tuple[str, int], int] = {}
    for line in (home / "data").read_bytes().splitlines():
        recording, role, call, path, inode, written, kind = json.loads(line)
        file = (recording, inode)
        if call == "failed sync":
            counted[kind] += 1
            failed |= {file: written} if kind == "file" else {}
        elif call in ("write", "write_at", "truncate"):
            failed.pop(file, None)
        elif call == "sync" and failed.get(file) == written:
            wrong.append(f"{recording}: {role} synced {Path(path).relative_to(root)} once more")
    return Redone(files=counted["file"], directories=counted["directory"], wrong=tuple(wrong))
