"""The models of power cuts themselves, on cases small enough to be written down by hand."""

from __future__ import annotations

import pytest

from tests.disk.enumerator import Budget, crashes
from tests.disk.handmade import step
from tests.disk.model import EMPTY, Model, bytes_of
from tests.disk.trace import Data, Entry, Step, Trace

ALL = Budget(bound=10_000, seed=0)
BLOBS = {EMPTY: b"", "old": b"old", "new": b"newer", "more": b"oldmore"}
ROOT, FILE, OTHER, DIRECTORY = 0, 1, 2, 3


def sync(node: int) -> Step:
    return step(call="sync", node=node)


def left(model: Model, *steps: Step) -> set[tuple[tuple[str, bytes | None], ...]]:
    """What may be there after all these steps, when nothing was there before."""
    trace = Trace(steps=(step(), *steps), inodes=(), blobs=BLOBS)
    return {
        tuple((path, bytes_of(c, BLOBS) if c else None) for path, c in crash.tree)
        for crash in crashes(trace, model, ALL)
        if crash.cut == len(trace.steps)
    }


CREATE = step(Entry(ROOT, "a.mp4", FILE), Data(FILE, EMPTY, 0))
WRITE = step(Data(FILE, "old", 0))
APPEND = step(Data(FILE, "more", 0))
RENAME = step(Entry(ROOT, "a.mp4", None), Entry(ROOT, "b.mp4", FILE))
BEFORE = (step(Entry(ROOT, "b.mp4", OTHER), Data(OTHER, "new", 0)), sync(OTHER), sync(ROOT))
NOTHING: tuple[tuple[str, bytes | None], ...] = ()
PARTS = (b"", b"o", b"ol", b"old", b"\0\0\0")


@pytest.mark.parametrize("model", Model)
def test_what_was_not_synced_is_there_or_not(model: Model) -> None:
    """A file that was written and never synced: no name, or the name over any part of it, or zeros."""
    assert left(model, CREATE, WRITE) == {NOTHING, *((("a.mp4", part),) for part in PARTS)}


def test_a_synced_file_has_its_name_where_names_are_journaled() -> None:
    """The journal's commit brings the name too; elsewhere the file's content is safe, its name is not."""
    assert left(Model.JOURNALED, CREATE, WRITE, sync(FILE)) == {(("a.mp4", b"old"),)}
    assert left(Model.POSIX, CREATE, WRITE, sync(FILE)) == {NOTHING, (("a.mp4", b"old"),)}


def test_a_synced_directory_has_its_names_and_not_their_content() -> None:
    """fsync of a directory brings no file's bytes, in neither model."""
    for model in Model:
        assert left(model, CREATE, WRITE, sync(ROOT)) == {(("a.mp4", part),) for part in PARTS}


def test_synced_file_and_directory_are_safe() -> None:
    """Then there is one state, in both models."""
    for model in Model:
        assert left(model, CREATE, WRITE, sync(FILE), sync(ROOT)) == {(("a.mp4", b"old"),)}


def test_a_rename_over_a_file_without_a_sync_may_leave_it_empty() -> None:
    """The old file under its name, or the new name over a part of the new content."""
    for model in Model:
        found = left(model, *BEFORE, CREATE, WRITE, RENAME)
        assert {(("b.mp4", part),) for part in PARTS} | {(("b.mp4", b"newer"),)} <= found
        assert (("a.mp4", b"old"), ("b.mp4", b"old")) not in found


def test_a_rename_over_a_synced_file_is_old_or_new() -> None:
    """The write-sync-rename idiom: no state shows a part of it."""
    for model in Model:
        found = left(model, *BEFORE, CREATE, WRITE, sync(FILE), RENAME)
        assert {dict(state)["b.mp4"] for state in found} == {b"newer", b"old"}


def test_a_rename_is_one_change() -> None:
    """In one directory a file is never lost between its names, nor under both."""
    for model in Model:
        found = left(model, CREATE, WRITE, sync(FILE), sync(ROOT), RENAME)
        assert found == {(("a.mp4", b"old"),), (("b.mp4", b"old"),)}


def test_a_rename_between_directories_is_two_changes_where_nothing_orders_them() -> None:
    """POSIX: under both names, under one, under none; journaled: before or after."""
    made = (step(Entry(ROOT, "d", DIRECTORY)), CREATE, WRITE, sync(FILE), sync(ROOT))
    moved = step(Entry(ROOT, "a.mp4", None), Entry(DIRECTORY, "a.mp4", FILE))
    before, after = (("a.mp4", b"old"), ("d", None)), (("d", None), ("d/a.mp4", b"old"))
    assert left(Model.JOURNALED, *made, moved) == {before, after}
    both, none = (("a.mp4", b"old"), ("d", None), ("d/a.mp4", b"old")), (("d", None),)
    assert left(Model.POSIX, *made, moved) == {before, after, both, none}


def test_changes_of_names_keep_their_order_only_where_they_are_journaled() -> None:
    """`a`, then `c`: without a journal `c` may be there alone."""
    other = step(Entry(ROOT, "c.mp4", OTHER), Data(OTHER, EMPTY, 0))
    alone = (("c.mp4", b""),)
    assert alone not in left(Model.JOURNALED, CREATE, other)
    assert alone in left(Model.POSIX, CREATE, other)
    assert left(Model.JOURNALED, CREATE, other, sync(OTHER)) == {(("a.mp4", b""), ("c.mp4", b""))}


def test_an_append_may_be_torn_and_what_was_synced_stays() -> None:
    """After a sync only the rest may be cut, or zeros."""
    found = left(Model.POSIX, CREATE, WRITE, sync(FILE), sync(ROOT), APPEND)
    contents = {dict(state)["a.mp4"] for state in found}
    assert all(content is not None and content.startswith(b"old") for content in contents)
    assert {b"old", b"oldm", b"oldmor", b"oldmore", b"old\0\0\0\0"} <= contents


def test_an_unlink_may_not_have_happened() -> None:
    """Until its directory is synced the file may be there again."""
    gone = step(Entry(ROOT, "a.mp4", None))
    for model in Model:
        assert left(model, CREATE, sync(FILE), sync(ROOT), gone) == {NOTHING, (("a.mp4", b""),)}
        assert left(model, CREATE, sync(FILE), sync(ROOT), gone, sync(ROOT)) == {NOTHING}


def test_a_sync_that_is_taken_out_brings_nothing() -> None:
    """`Trace.without` makes of a sync a step that did nothing."""
    steps = (step(), CREATE, WRITE, sync(FILE), sync(ROOT))
    trace = Trace(steps=steps, inodes=(), blobs=BLOBS)
    assert trace.syncs() == {"file: ": (3,), "directory: ": (4,)}
    without = trace.without((3,)).steps[1:]
    assert left(Model.POSIX, *without) == {(("a.mp4", part),) for part in PARTS}
