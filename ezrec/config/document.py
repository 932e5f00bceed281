"""YAML to nodes with their lines.

Made from the parser's events, so that nothing is constructed, expanded or recursed into: all
scalars stay the text that was written (`no`, `0123` and `12:30` mean what they look like).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import yaml

from ezrec.config.nodes import (
    DEEPEST,
    NULLS,
    Blank,
    Entry,
    Items,
    Node,
    Table,
    Text,
)
from ezrec.config.problem import Problem, quoted

MOST = 10_000
#: what the parser repeats of the file, which may be a secret: more than a sign, and no <token>
_QUOTATION = re.compile(r"'(?!<)[^']{2,}'")
NOWHERE = Table(entries=())


class _RefusedError(Exception):
    """The document can't be used from this line on."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


def parse_document(name: str, text: str, problems: list[Problem]) -> Table:
    """The mapping that `text` holds; empty where it can't be read, which is in `problems`."""
    try:
        return _Reader(name, text, problems).document()
    except _RefusedError as error:
        line, sentence = error.line, error.sentence
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        sentence = _explained(error.problem or error.context or "", text, line)
    except yaml.YAMLError as error:
        line, sentence = 0, f"this is not YAML: {quoted(str(error))}"
    problems.append(Problem(source=name, line=line, sentence=sentence))
    return NOWHERE


def _explained(reason: str, text: str, line: int) -> str:
    if "'\\t'" in reason:
        return "a tab can't indent YAML: use spaces"
    return f"this is not YAML: {_QUOTATION.sub('…', reason)}"


class _Reader:
    """One walk over the events of one document."""

    def __init__(self, name: str, text: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        self.count = 0
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)

    def document(self) -> Table:
        event = self._next_of_content()
        if isinstance(event, yaml.StreamEndEvent):
            return NOWHERE
        root = self._node(event, 0)
        again = self._next_of_content()
        if not isinstance(again, yaml.StreamEndEvent):
            raise _RefusedError(_line(again), "there is a second document: one file holds one")
        if isinstance(root, Blank):
            return NOWHERE
        if not isinstance(root, Table):
            raise _RefusedError(root.line, "the file must hold keys and values, like `settle: 5 s`")
        return root

    def _next_of_content(self) -> yaml.Event:
        """The next event that is content, or the end of it all."""
        frame = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
        return next(event for event in self.events if not isinstance(event, frame))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._check(event, depth)
        line = _line(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(items=tuple(self._children(yaml.SequenceEndEvent, depth)), line=line)
        if isinstance(event, yaml.MappingStartEvent):
            return Table(entries=tuple(self._entries(depth)), line=line)
        assert isinstance(event, yaml.ScalarEvent)
        if event.implicit[0] and event.value in NULLS:
            return Blank(line=line)
        return Text(text=event.value, line=line)

    def _check(self, event: yaml.Event, depth: int) -> None:
        self.count += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _RefusedError(_line(event), "anchors and aliases (& and *) are not used here")
        if getattr(event, "tag", None) is not None:
            raise _RefusedError(_line(event), "tags (!) are not used here: quote text that has a !")
        if depth > DEEPEST or self.count > MOST:
            raise _RefusedError(_line(event), "this is nested too deep, or too much, to be meant")

    def _children(self, end: type[yaml.Event], depth: int) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> Iterator[Entry]:
        nodes = list(self._children(yaml.MappingEndEvent, depth))
        seen: dict[str, int] = {}
        for key, node in list(pairwise(nodes))[::2]:
            if not isinstance(key, Text):
                self._complain(key.line, "a key must be plain text")
            elif key.text in seen:
                first = seen[key.text]
                self._complain(key.line, f"this key is here twice, first in line {first}", key.text)
            else:
                seen[key.text] = key.line
                yield Entry(key=key.text, node=node, line=key.line)

    def _complain(self, line: int, sentence: str, name: str = "") -> None:
        self.problems.append(Problem(source=self.name, line=line, name=name, sentence=sentence))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
