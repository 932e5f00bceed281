"""Recording what ezrec does to a disk, in the order in which it is done, over all of its processes.

In each process the recorder takes a lock before an announced call is made, and gives it back when the
call has returned. Before and after it the whole tree is looked at: what changed during the call is the
call's, what changed between two calls was done by somebody who announces nothing: ffmpeg, a hook in
`sh`, the operator.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from ezrec.statemachine import calls

#: calls that change what is on the disk, or when it is safe there
CHANGING = frozenset(
    {"mkdir", "write", "write_at", "truncate", "allocate", "sync", "link", "link_name", "rename"}
    | {"rename_new", "unlink", "rmdir", "open"}
)
_MAKING = os.O_CREAT | os.O_TRUNC | (os.O_TMPFILE & ~os.O_DIRECTORY)
_UNNAMED = os.O_TMPFILE & ~os.O_DIRECTORY
_SMALL = 1 << 16
_FRAMES = 14


def start_recording(home: Path, watched: Path) -> None:
    """Forget what was recorded; what is in `watched` now counts as safe on the disk."""
    (home / "blobs").mkdir(exist_ok=True)
    for name in ("steps", "seen"):
        (home / name).unlink(missing_ok=True)
    catch_up(home, watched, "baseline")


def catch_up(home: Path, watched: Path, role: str = "foreign") -> None:
    """Take in what was done since the last announced call."""
    with locked(home):
        Recorder(str(home), str(watched)).look(role)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """While nobody else may change anything by an announced call, or write anything down."""
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


class Recorder:
    """Writes the steps of one process to `home`. Plain os calls only: it must not meet itself."""

    def __init__(self, home: str, watched: str) -> None:
        self._home, self._watched = home, watched
        self._seen: dict[str, Any] = {}

    def before(self, role: str, call: str, fd: int | None, arguments: tuple[Any, ...]) -> None:
        """An announced call is about to be made by our caller's caller."""
        if call not in CHANGING or (call == "open" and not arguments[1] & _MAKING):
            return
        made_by = _frame_of(calls.__file__)
        lock = os.open(f"{self._home}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.look("foreign")
        step = {
            "role": role,
            "pid": os.getpid(),
            "call": call,
            "name": next((str(each) for each in arguments if isinstance(each, str)), ""),
            "node": self._node_of_fd(fd) if fd is not None else None,
            "site": _site(made_by),
            "begun": time.monotonic(),
        }
        self._write_seen()
        code = made_by.f_code
        sys.setprofile(
            lambda frame, what, value: self._profile(code, lock, step, frame, what, value)
        )

    def _profile(
        self,
        code: CodeType,
        lock: int,
        step: dict[str, Any],
        frame: FrameType,
        what: str,
        value: Any,
    ) -> None:
        """The call has returned, or raised: what did it do?"""
        if what != "return" or frame.f_code is not code:
            return
        sys.setprofile(None)
        step["ended"] = time.monotonic()
        self._read_seen()
        local = frame.f_locals
        if step["call"] == "open" and value is not None and local["flags"] & _UNNAMED == _UNNAMED:
            self._seen["unnamed"][str(os.fstat(value).st_ino)] = self._new_node(os.fstat(value))
        changes = self._changes(linked=step["call"] == "link")
        if step["call"] in ("write", "write_at", "truncate"):
            changes += self._unnamed_data(local["fd"])
        self._write_step({**step, "changes": changes})
        self._write_seen()
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)

    def look(self, role: str) -> None:
        """Write down what has changed since the last look as one step of `role`."""
        self._read_seen()
        now = time.monotonic()
        if changes := self._changes():
            step = {"role": role, "pid": 0, "call": "", "name": "", "node": None, "site": []}
            self._write_step({**step, "begun": now, "ended": now, "changes": changes})
        self._write_seen()

    # What is there, compared with what was.

    def _changes(self, linked: bool = False) -> list[list[Any]]:
        seen = self._seen
        tree: dict[str, dict[str, int]] = {}
        found: list[list[Any]] = []
        self._walk(self._watched, 0, tree, found, linked)
        before: dict[str, dict[str, int]] = seen["tree"]
        gone = [
            ["entry", int(node), name, None]
            for node, names in before.items()
            if node in tree
            for name in names
            if name not in tree[node]
        ]
        seen["tree"] = tree
        alive = {node for names in tree.values() for node in names.values()}
        seen["nodes"] = {ino: node for ino, node in seen["nodes"].items() if node in alive}
        return gone + found

    def _walk(
        self, path: str, node: int, tree: dict[str, dict[str, int]], found: list[Any], linked: bool
    ) -> None:
        """Deep first, markers last: as a directory is filled and then moved in."""
        names: dict[str, int] = {}
        old = self._seen["tree"].get(str(node), {})
        entries = sorted(os.scandir(path), key=lambda entry: (entry.name[0] == ".", entry.name))
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            child = self._node_of(status, linked)
            names[entry.name] = child
            if entry.is_dir(follow_symlinks=False):
                self._walk(entry.path, child, tree, found, linked)
                if old.get(entry.name) != child:
                    found.append(["entry", node, entry.name, child])
                continue
            if old.get(entry.name) != child:
                found.append(["entry", node, entry.name, child])
            found += self._data(child, entry.path, status)
        tree[str(node)] = names

    def _data(self, node: int, path: str, status: os.stat_result) -> list[list[Any]]:
        known = self._seen["data"].get(str(node))
        stamp = [status.st_mtime_ns, status.st_size]
        if known is not None and known[1:] == stamp and status.st_size > _SMALL:
            return []
        with open(path, "rb") as stream:  # noqa: PTH123  # plain and quick
            content = stream.read()
        digest = hashlib.sha256(content).hexdigest()[:20]
        self._seen["data"][str(node)] = [digest, *stamp]
        if known is not None and known[:2] == [digest, stamp[0]]:
            return []
        blob = f"{self._home}/blobs/{digest}"
        if not os.path.exists(blob):
            _put(blob, content)
        return [["data", node, digest, status.st_mtime_ns]]

    def _unnamed_data(self, fd: int) -> list[list[Any]]:
        status = os.fstat(fd)
        node = self._seen["unnamed"].get(str(status.st_ino))
        return [] if node is None else self._data(node, f"/proc/self/fd/{fd}", status)

    def _node_of_fd(self, fd: int) -> int:
        status = os.fstat(fd)
        unnamed = self._seen["unnamed"].get(str(status.st_ino))
        if os.path.samestat(status, os.stat(self._watched)):
            return 0
        return int(unnamed) if unnamed is not None else self._node_of(status, True)

    def _node_of(self, status: os.stat_result, linked: bool) -> int:
        """The number of an inode for as long as it lives; `linked` where a nameless one gets a name."""
        ino = str(status.st_ino)
        unnamed = self._seen["unnamed"].pop(ino, None)
        if unnamed is not None and linked:
            self._seen["nodes"][ino] = unnamed
        elif ino not in self._seen["nodes"]:
            self._seen["nodes"][ino] = self._new_node(status)
        return int(self._seen["nodes"][ino])

    def _new_node(self, status: os.stat_result) -> int:
        inodes: list[int] = self._seen["inodes"]
        inodes.append(status.st_ino)
        return len(inodes) - 1

    # What all processes share.

    def _read_seen(self) -> None:
        try:
            with open(f"{self._home}/seen", encoding="utf-8") as text:  # noqa: PTH123  # plain and quick
                self._seen = json.load(text)
        except FileNotFoundError:
            root = os.stat(self._watched).st_ino
            self._seen = {"nodes": {}, "unnamed": {}, "tree": {}, "data": {}, "inodes": [root]}

    def _write_seen(self) -> None:
        _put(f"{self._home}/seen", json.dumps(self._seen).encode())

    def _write_step(self, step: dict[str, Any]) -> None:
        with open(f"{self._home}/steps", "ab", buffering=0) as steps:  # noqa: PTH123  # in one piece
            steps.write(json.dumps(step).encode() + b"\n")


def _put(path: str, content: bytes) -> None:
    """Old or new, but whole: any process may be killed here."""
    with open(f"{path}.new", "wb") as stream:  # noqa: PTH123  # plain and quick
        stream.write(content)
    os.replace(f"{path}.new", path)


def _frame_of(path: str) -> FrameType:
    """The innermost frame whose code is in this file."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    assert frame is not None, path
    return frame


def _site(frame: FrameType | None) -> list[str]:
    """The functions of ours that led to the call, innermost first: `files.create`, `commit.commit`."""
    site: list[str] = []
    while frame is not None and len(site) < _FRAMES:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("ezrec."):
            site.append(f"{module.rpartition('.')[2]}.{frame.f_code.co_name}")
        frame = frame.f_back
    return site
