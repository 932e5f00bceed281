"""What the original system's names in the environment and in `.env` mean. Pure.

These names are shared with other programs: an empty one counts as not set, an unknown one is
nobody's fault, and a `# comment` after the value does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ezrec.config.dotenv import Variable, without_comment
from ezrec.config.nodes import Entry, Given, Items, Table, Text
from ezrec.config.settings import SETTINGS
from ezrec.config.sources import given_by
from ezrec.config.values import boolean

PAIR = "DUAL_CAMERA_MODE"
CAMERA_NAMES = (PAIR, *(f"CAMERA_{n}_{what}" for n in "01" for what in ("SERIAL", "NAME")))
#: The panorama is yet to come; side by side until then.
LAYOUTS = {"advanced_stitch": "side_by_side"}


def from_process(environ: Mapping[str, str], dotenv: Mapping[str, Variable]) -> dict[str, Variable]:
    """The environment as variables without lines.

    The cameras are one setting: what it leaves open about them is taken from `.env`.
    """
    own = {
        name: Variable(name=name, value=without_comment(environ[name]), line=0)
        for name in original_names()
        if environ.get(name)
    }
    if own.keys().isdisjoint(CAMERA_NAMES):
        return own
    return {name: replace(dotenv[name], line=0) for name in CAMERA_NAMES if name in dotenv} | own


def original_names() -> tuple[str, ...]:
    return tuple(name for setting in SETTINGS for name in setting.original)


def from_originals(variables: Mapping[str, Variable], source: str, base: Path) -> Iterator[Given]:
    """The settings that the original's names give; all that is about cameras as one list."""
    told = {name: each for name, each in variables.items() if each.value or each.fault}
    yield from _cameras(told, source, base)
    for setting in SETTINGS:
        names = [name for name in setting.original if name in told and name not in CAMERA_NAMES]
        for name in names[:1]:  # of two names for one thing the first that is set counts
            text = told[name].value
            if setting.key == "merge.layout":
                text = LAYOUTS.get(text.lower(), text.lower())
            yield given_by(told[name], setting.parts, text, source, base)


def _cameras(told: Mapping[str, Variable], source: str, base: Path) -> Iterator[Given]:
    about = [told[name] for name in CAMERA_NAMES if name in told]
    if not about:
        return
    unread = [each for each in about if each.fault or _mode_fault(each)]
    if unread:
        fault = unread[0].fault or _mode_fault(unread[0])
        yield given_by(replace(unread[0], fault=fault), ("cameras",), "", source, base)
        return
    two = PAIR not in told or boolean(told[PAIR].value)
    items = tuple(_camera(number, told) for number in ("01" if two else "0"))
    node = Items(items=items, line=about[0].line)
    yield Given(key=("cameras",), name="cameras", node=node, source=source, base=base)


def _mode_fault(variable: Variable) -> str:
    if variable.name != PAIR:
        return ""
    try:
        boolean(variable.value)
    except ValueError as error:
        return str(error)
    return ""


def _camera(number: str, told: Mapping[str, Variable]) -> Table:
    fields = [
        Entry(key=key, node=Text(text=variable.value, line=variable.line), line=variable.line)
        for key in ("name", "serial")
        if (variable := told.get(f"CAMERA_{number}_{key.upper()}"))
    ]
    return Table(entries=(Entry(key="id", node=Text(text=number)), *fields))
