"""From a node to a value: one value, a list of values, or the cameras. Faults are collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ezrec.config.model import CameraSettings
from ezrec.config.nodes import Blank, Entry, Given, Items, Node, Table, Text
from ezrec.config.problem import Problem, guess, quoted
from ezrec.config.values import shaped

Read = Callable[[Given, list[Problem]], Any]
Parse = Callable[[str], Any]

camera_id = shaped(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}",
    "a camera's id has at most 32 letters, digits, _ and -, a letter or digit first",
)
label = shaped(r"[^\x00-\x1f\x7f-\x9f]{0,128}", "at most 128 printable characters")
CAMERA_KEYS: dict[str, Parse] = {"id": camera_id, "name": label, "serial": label}


def one(parse: Parse) -> Read:
    """A reader of one value."""
    return placed(lambda text, base: parse(text))


def placed(parse: Callable[[str, Path], Any]) -> Read:
    """A reader of one value whose meaning depends on where relative paths count from."""

    def read(given: Given, problems: list[Problem]) -> Any:
        return _value(given, given.node, lambda text: parse(text, given.base), problems)

    return read


def several(parse: Callable[[str, Path], Any], separator: str) -> Read:
    """A reader of a list; one value is a list of one, `separator` parts it outside of YAML."""

    def read(given: Given, problems: list[Problem]) -> tuple[Any, ...]:
        nodes = _items(given, separator)
        read_one = [
            _value(given, node, lambda text: parse(text, given.base), problems) for node in nodes
        ]
        return tuple(value for value in read_one if value is not None)

    return read


def _items(given: Given, separator: str) -> tuple[Node, ...]:
    """A file has lists of its own; a flag or a variable (no lines) has only text."""
    match given.node:
        case Items(items=items):
            return items
        case Text(text=text) if not given.in_file:
            return tuple(Text(text=part.strip()) for part in text.split(separator) if part.strip())
        case node:
            return (node,)


def _value(
    given: Given, node: Node, parse: Parse, problems: list[Problem], below: str = ""
) -> Any | None:
    """None where there is a fault, which is then among the problems."""
    match node:
        case Text(text=text):
            try:
                return parse(text)
            except ValueError as error:
                sentence = str(error)
        case Blank():
            sentence = "there is nothing here"
        case _:
            sentence = "one value belongs here, not a list or a mapping"
    problems.append(given.problem(sentence, line=node.line, below=below))
    return None


def cameras(given: Given, problems: list[Problem]) -> tuple[CameraSettings, ...]:
    """A list of mappings; plain text is short for a camera with that id."""
    found = tuple(_cameras(given, problems))
    if not _items(given, ","):
        problems.append(given.problem("there must be at least one camera"))
    return found


def _cameras(given: Given, problems: list[Problem]) -> Iterator[CameraSettings]:
    seen: set[str] = set()
    for number, node in enumerate(_items(given, ",")):
        camera = _camera(given, node, f"[{number}]", problems)
        if camera is None:
            continue
        if camera.id in seen:
            sentence = f"another camera has the id {quoted(camera.id)} already"
            problems.append(given.problem(sentence, line=node.line, below=f"[{number}].id"))
        seen.add(camera.id)
        yield camera


def _camera(given: Given, node: Node, below: str, problems: list[Problem]) -> CameraSettings | None:
    if isinstance(node, Text):
        node = Table(entries=(Entry(key="id", node=node, line=node.line),), line=node.line)
    if not isinstance(node, Table):
        sentence = "a camera is a mapping with an id, and maybe a name and a serial"
        problems.append(given.problem(sentence, line=node.line, below=below))
        return None
    fields = _fields(given, node, below, problems)
    if not any(entry.key == "id" for entry in node.entries):
        problems.append(given.problem("this camera has no id", line=node.line, below=below))
    return CameraSettings(**fields) if fields.get("id") else None


def _fields(given: Given, table: Table, below: str, problems: list[Problem]) -> dict[str, str]:
    values: dict[str, str] = {}
    for entry in table.entries:
        place = f"{below}.{entry.key}"
        if entry.key not in CAMERA_KEYS:
            sentence = f"there is no such setting{guess(entry.key, CAMERA_KEYS)}"
            problems.append(given.problem(sentence, line=entry.line, below=place))
        elif entry.key == "id" or not isinstance(entry.node, Blank):
            parse = CAMERA_KEYS[entry.key]
            value = _value(given, entry.node, parse, problems, place)
            if value is not None:
                values[entry.key] = value
    return values
