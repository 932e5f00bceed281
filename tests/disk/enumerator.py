"""Every state that a power cut may leave, at every point of a trace: all of them, or a seeded sample."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePosixPath

from tests.disk.model import (
    Choices,
    Content,
    Event,
    Model,
    alternatives,
    choices_at,
    events_of,
    names_of,
    paths_of,
)
from tests.disk.trace import Trace

#: what no decision is ever taken from, and what is no recording
_IGNORED = (
    "hooks",
    "ezrec.yaml",
    ".ezrec-root",
    ".ezrec/daemon.json",
    ".ezrec/.daemon.json.partial",
)
#: whose content a machine reads; a marker's is for people
_READ = (".mp4", ".json", "journal")

Tree = tuple[tuple[str, Content | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`bound`: how many states of one cut are all tried; of more, as many as that are picked by `seed`,
    beside the extreme ones. `every_byte`: the journal's end is cut at each byte. `one_in`: of the cuts,
    every how many."""

    bound: int
    seed: int
    every_byte: bool = False
    one_in: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What is on the disk after the power failed behind the first `cut` steps: each path with its
    content, None for a directory; `nodes` are the files' and directories' numbers."""

    cut: int
    model: Model
    tree: Tree
    nodes: Mapping[str, int]


def crashes(trace: Trace, model: Model, budget: Budget, first: int = 1) -> Iterator[Crash]:
    """The states, cut by cut; the same one may come more than once."""
    events = events_of(trace.steps)
    for cut in range(max(first, 1), len(trace.steps) + 1):
        if (cut - first) % budget.one_in == 0 or cut == len(trace.steps):
            choices = choices_at(events, cut, model, trace.blobs)
            yield from _of_one_cut(trace, choices, cut, budget)


def _of_one_cut(trace: Trace, choices: Choices, cut: int, budget: Budget) -> Iterator[Crash]:
    """Names first: what can't be reached by any name makes no difference."""

    @cache
    def layout(number: int) -> tuple[dict[str, int], list[tuple[Content | None, ...]]]:
        paths = {
            path: node
            for path, node in paths_of(names_of(choices, number)).items()
            if not _is_ignored(path)
        }
        return paths, [
            _contents(trace, choices, path, node, budget) for path, node in paths.items()
        ]

    chance = random.Random(f"{budget.seed} {cut}")
    count = alternatives(choices)
    total = sum(_product(layout(n)[1]) for n in range(count)) if count <= budget.bound else None
    if total is not None and total <= budget.bound:
        picks: Iterator[tuple[int, tuple[Content | None, ...]]] = (
            (n, pick) for n in range(count) for pick in itertools.product(*layout(n)[1])
        )
    else:
        picks = _sampled(choices, count, lambda n: layout(n)[1], chance, budget.bound)
    for number, pick in picks:
        paths = layout(number)[0]
        tree = tuple(sorted(zip(paths, pick, strict=True), key=lambda pair: pair[0]))
        yield Crash(cut=cut, model=choices.model, tree=tree, nodes=paths)


def _is_ignored(path: str) -> bool:
    return path.endswith(".log") or path.startswith(_IGNORED)


def _product(options: Sequence[tuple[Content | None, ...]]) -> int:
    count = 1
    for each in options:
        count *= len(each)
    return count


def _contents(
    trace: Trace, choices: Choices, path: str, node: int, budget: Budget
) -> tuple[Content | None, ...]:
    found = choices.contents.get(node)
    if found is None:
        return (None,)
    name = PurePosixPath(path).name
    status = name.startswith(".run-") and not name.endswith(".partial")
    if not (name.endswith(_READ) or status or "/tells/" in path):
        return (found[-1],)
    if budget.every_byte and name == "journal":
        found += _every_cut(trace, found)
    return tuple(dict.fromkeys(replace(each, mtime_ns=each.mtime_ns) for each in found))


def _every_cut(trace: Trace, found: Sequence[Content]) -> tuple[Content, ...]:
    """The journal's last line, torn at each byte."""
    whole = [each for each in found if each.length is None]
    first, last = len(trace.blobs[whole[0].over]), whole[-1]
    size = len(trace.blobs[last.over])
    return tuple(replace(last, length=size - cut) for cut in range(1, min(size - first, 400)))


def _sampled(
    choices: Choices, count: int, options: object, chance: random.Random, bound: int
) -> Iterator[tuple[int, tuple[Content | None, ...]]]:
    """The extremes of names with the extremes of contents, then whatever chance picks."""
    assert callable(options)
    for number in _extremes(choices, count):
        yield number, tuple(each[0] for each in options(number))
        yield number, tuple(each[-1] for each in options(number))
    for _ in range(bound):
        number = chance.randrange(count)
        yield number, tuple(chance.choice(each) for each in options(number))


def _extremes(choices: Choices, count: int) -> list[int]:
    """None of the changes of names, all of them, all but one, and one alone."""
    if choices.model is Model.JOURNALED:
        return list(range(count))
    bits = [1 << bit for bit in range(len(choices.free))]
    return list(dict.fromkeys([0, count - 1, *(count - 1 - bit for bit in bits), *bits]))


__all__ = ["Budget", "Crash", "Event", "Tree", "crashes"]
