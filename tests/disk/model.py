"""What may be on a disk after a power cut, in two models of file systems. Pure.

- `JOURNALED`, as ext4 with `data=ordered` and delayed allocation: changes of names happen in their order
  and together with all that came before; an fsync brings the file's content, and all changes of names
  until the last one that touched the file or directory. The content of a file that was not synced may
  be anything from nothing to all of it, and zeros.
- `POSIX`, the weakest that is allowed: fsync of a file brings its content and nothing else, fsync of a
  directory brings its names and nothing else. What was not synced has happened or not, each change for
  itself. A rename within a directory is one change, one between directories are two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise

from tests.disk.trace import Change, Data, Entry, Step

ROOT = 0
EMPTY = "e3b0c44298fc1c149afb"


class Model(Enum):
    """Which file system was cut off."""

    JOURNALED = "journaled"
    POSIX = "posix"


@dataclass(frozen=True, slots=True)
class Names:
    """Changes of names that happen together or not at all."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """An fsync that has returned."""

    node: int


Event = Names | Data | Sync


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: the first `length` bytes of the blob `over`, and from there the blob `under`;
    with `zeros` that many bytes instead of it. None: all of it."""

    over: str
    length: int | None = None
    under: str = EMPTY
    zeros: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """All that may be on the disk after one cut: `fixed` changes of names have happened; of `free` any
    may have (`JOURNALED`: those up to some point). `contents`: each file's possible contents."""

    model: Model
    fixed: tuple[Names, ...]
    free: tuple[tuple[int, Names], ...]
    contents: Mapping[int, tuple[Content, ...]]


def events_of(steps: Sequence[Step]) -> list[list[Event]]:
    """What each step did, as events. A sync brings what was there when it began."""
    return [[*_sync(step), *_events(step.changes)] for step in steps]


def _sync(step: Step) -> list[Event]:
    return [Sync(step.node)] if step.call == "sync" and step.node is not None else []


def _events(changes: Sequence[Change]) -> list[Event]:
    """A name that goes and one that comes for the same file are a rename."""
    entries = [each for each in changes if isinstance(each, Entry)]
    data: list[Event] = [each for each in changes if isinstance(each, Data)]
    gone = [each for each in entries if each.node is None]
    come = [each for each in entries if each.node is not None]
    if len(gone) == len(come) == 1:
        return [Names((gone[0], come[0])), *data]
    return [*(Names((each,)) for each in (*gone, *come)), *data]


def choices_at(
    events: Sequence[Sequence[Event]], cut: int, model: Model, blobs: Mapping[str, bytes]
) -> Choices:
    """What may be there when the power fails after the first `cut` steps; step 0 is safe."""
    fixed = [each for each in events[0] if isinstance(each, Names)]
    contents = {each.node: [_whole(each)] for each in events[0] if isinstance(each, Data)}
    free: list[tuple[int, Names]] = []
    touched: dict[int, int] = {}
    for number, each in enumerate(event for step in events[1:cut] for event in step):
        match each:
            case Names():
                free += [(number, part) for part in _parts(each, model)]
                touched |= {
                    node: number for e in each.entries for node in (e.directory, e.node or 0)
                }
            case Data():
                contents.setdefault(each.node, [Content(EMPTY)]).append(_whole(each))
                touched[each.node] = number
            case Sync():
                if each.node in contents:
                    contents[each.node] = contents[each.node][-1:]
                brought = [one for one in free if _is_brought(one, each.node, model, touched)]
                fixed += [names for _, names in brought]
                free = [one for one in free if one not in brought]
    possible = {node: _possible(versions, blobs) for node, versions in contents.items()}
    return Choices(model=model, fixed=tuple(fixed), free=tuple(free), contents=possible)


def _whole(data: Data) -> Content:
    return Content(data.digest, mtime_ns=data.mtime_ns)


def _parts(names: Names, model: Model) -> list[Names]:
    """One change, or one for each directory."""
    if model is Model.JOURNALED:
        return [names]
    by_directory = sorted(names.entries, key=lambda entry: entry.directory)
    return [
        Names(tuple(entries)) for _, entries in groupby(by_directory, lambda entry: entry.directory)
    ]


def _is_brought(
    one: tuple[int, Names], node: int, model: Model, touched: Mapping[int, int]
) -> bool:
    """Whether an fsync of `node` brings this change of names to the disk."""
    if model is Model.POSIX:
        return any(entry.directory == node for entry in one[1].entries)
    return one[0] <= touched.get(node, -1)


def _possible(versions: Sequence[Content], blobs: Mapping[str, bytes]) -> tuple[Content, ...]:
    """The synced content, each later one, and what lies between."""
    found = list(versions)
    for old, new in pairwise(versions):
        found += _torn(old, new, blobs)
    return tuple(dict.fromkeys(found))


def _torn(old: Content, new: Content, blobs: Mapping[str, bytes]) -> list[Content]:
    """Cut in the first byte, in the middle and before the last; zeros where something was appended."""
    before, after = len(blobs[old.over]), len(blobs[new.over])
    start = before if blobs[new.over].startswith(blobs[old.over]) else 0
    cuts = sorted({start + 1, (start + after) // 2, after - 1} - {start, after})
    under = EMPTY if start else old.over
    torn = [Content(new.over, cut, under, 0, new.mtime_ns) for cut in cuts if start < cut < after]
    if after > before:
        torn.append(Content(new.over, start, EMPTY, after - start, new.mtime_ns))
    return torn


def bytes_of(content: Content, blobs: Mapping[str, bytes]) -> bytes:
    """The content as bytes."""
    over = blobs[content.over]
    if content.length is None:
        return over
    if content.zeros:
        return over[: content.length] + b"\0" * content.zeros
    return over[: content.length] + blobs[content.under][content.length :]


def alternatives(choices: Choices) -> int:
    """How many states the names can be in."""
    count = len(choices.free)
    return 1 << count if choices.model is Model.POSIX else 1 + count


def names_of(choices: Choices, number: int) -> dict[tuple[int, str], int]:
    """Where each name leads in the state `number` of `alternatives`; the last one has it all."""
    chosen: list[Names] = [*choices.fixed]
    if choices.model is Model.JOURNALED:
        chosen += [names for _, names in choices.free[:number]]
    else:
        chosen += [names for bit, (_, names) in enumerate(choices.free) if number >> bit & 1]
    found: dict[tuple[int, str], int] = {}
    for entry in (entry for names in chosen for entry in names.entries):
        if entry.node is None:
            found.pop((entry.directory, entry.name), None)
        else:
            found[entry.directory, entry.name] = entry.node
    return found


def paths_of(names: Mapping[tuple[int, str], int]) -> dict[str, int]:
    """Every path that leads anywhere, and what to. A directory comes before what is in it."""
    below: dict[int, list[tuple[str, int]]] = {}
    for (directory, name), node in names.items():
        below.setdefault(directory, []).append((name, node))
    found: dict[str, int] = {}

    def walk(directory: int, prefix: str) -> None:
        for name, node in sorted(below.get(directory, ())):
            found[prefix + name] = node
            walk(node, f"{prefix}{name}/")

    walk(ROOT, "")
    return found
