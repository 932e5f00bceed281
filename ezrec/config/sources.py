"""Each place where settings come from, as a list of what is given there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ezrec.config.dotenv import Variable
from ezrec.config.names import FILE, PREFIX
from ezrec.config.nodes import Blank, Entry, Given, Table, Text
from ezrec.config.problem import Problem, guess, nearest
from ezrec.config.settings import SETTINGS, STAGE, below, setting_of

ENVIRONMENT = {setting.environment: setting for setting in SETTINGS if setting.variable}
#: What hooks and tools find in their environment: never a slip of the pen.
NO_SETTINGS = frozenset(
    (
        *(FILE, "EZREC_HOOK", "EZREC_STAGE", "EZREC_STATE", "EZREC_RUN_ID"),
        *("EZREC_RECORDING_ID", "EZREC_RECORDING_DIR", "EZREC_BOOKING_ID", "EZREC_CAMERA_IDS"),
        *("EZREC_ATTEMPT", "EZREC_MAX_ATTEMPTS"),
    )
)


def from_flags(flags: Mapping[str, str], base: Path, problems: list[Problem]) -> list[Given]:
    """Flags by their key: `capture.size`, `stages.merge.attempts`."""
    found = []
    for name, text in flags.items():
        key = tuple(name.split("."))
        given = Given(key=key, name=name, node=Text(text=text), source="flags", base=base)
        if setting_of(key):
            found.append(given)
        else:
            problems.append(given.problem(f"there is no such setting{_meant(key)}"))
    return found


def from_environment(
    environ: Mapping[str, str], base: Path, problems: list[Problem]
) -> list[Given]:
    """`EZREC_*`. An empty one counts as not set; an unknown one only if it looks like a slip."""
    found = []
    for name in sorted(environ):
        setting = ENVIRONMENT.get(name)
        if setting and environ[name]:
            node = Text(text=environ[name])
            found.append(
                Given(key=setting.parts, name=name, node=node, source="environment", base=base)
            )
        elif not setting and (sentence := _slip(name)):
            problems.append(Problem(source="environment", name=name, sentence=sentence))
    return found


def from_dotenv(
    variables: Mapping[str, Variable], base: Path, problems: list[Problem]
) -> list[Given]:
    """`EZREC_*` in `.env`."""
    found = []
    for name, variable in variables.items():
        setting = ENVIRONMENT.get(name)
        if setting and (variable.value or variable.fault):
            found.append(given_by(variable, setting.parts, variable.value, ".env", base))
        elif not setting and (sentence := _slip(name)):
            line = variable.line
            problems.append(Problem(source=".env", name=name, line=line, sentence=sentence))
    return found


def given_by(variable: Variable, key: tuple[str, ...], text: str, source: str, base: Path) -> Given:
    return Given(
        key=key,
        name=variable.name,
        node=Text(text=text, line=variable.line),
        source=source,
        base=base,
        fault=variable.fault,
    )


def from_document(
    table: Table, file: Path, problems: list[Problem], section: tuple[str, ...] = ()
) -> Iterator[Given]:
    """What the file says; a stage by its name too: `("stages", "review")`."""
    allowed = below(section)
    for entry in table.entries:
        key = (*section, entry.key)
        given = _given(key, entry, file)
        if STAGE in allowed:
            yield given
        elif entry.key not in allowed:
            problems.append(given.problem(f"there is no such setting{_meant(key)}"))
            continue
        if setting_of(key):
            yield given
        elif isinstance(entry.node, Table):
            yield from from_document(entry.node, file, problems, key)
        elif not isinstance(entry.node, Blank):
            problems.append(given.problem("this is a section: keys belong below it"))


def _given(key: tuple[str, ...], entry: Entry, file: Path) -> Given:
    return Given(
        key=key,
        name=".".join(key),
        node=entry.node,
        source=file.name,
        base=file.parent,
        line=entry.line,
        in_file=True,
    )


def _meant(key: tuple[str, ...]) -> str:
    """A key of that name elsewhere, else a near one beside it."""
    for setting in SETTINGS:
        if setting.parts[-1] == key[-1] and STAGE not in setting.key and "[" not in setting.key:
            return f" (did you mean {setting.key}?)"
    return guess(key[-1], below(key[:-1]), "".join(f"{part}." for part in key[:-1]))


def _slip(name: str) -> str:
    if not name.startswith(PREFIX) or name in NO_SETTINGS:
        return ""
    known = [each.removeprefix(PREFIX).lower() for each in (*ENVIRONMENT, FILE)]
    near = nearest(name.removeprefix(PREFIX), known, cutoff=0.85).upper()
    return f"there is no such setting (did you mean {PREFIX}{near}?)" if near else ""
