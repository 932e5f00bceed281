"""The tables and drawings in the pages that are made from the code.

`python -m tests.pages README.md docs/*.md` writes them anew between their `<!-- name: begin -->` and end.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import ezrec
from ezrec import statemachine
from ezrec.cli import boundary
from ezrec.config.table import table as settings
from ezrec.errors import EzrecError
from ezrec.graph import mermaid, table
from ezrec.lifecycle import RECORDING
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.markers import RULES
from tests import promises

REPOSITORY = Path(__file__).parents[1]
_PART = re.compile(r"<!-- (\w+): begin -->\n(.*?)\n?<!-- \1: end -->", re.DOTALL)
_PACKAGES = {
    "statemachine": "the state machine",
    "ezrec": "the recorder",
    "ezrec/capture": "capture",
    "ezrec/media": "video",
    "ezrec/config": "configuration",
    "ezrec/cli": "the command line",
    "hooks": "the stages' scripts",
}


def drawing() -> str:
    """The lifecycle as a Mermaid block."""
    return f"```mermaid\n{mermaid(RECORDING)}\n```"


def states() -> str:
    """The states of a recording."""
    return table(RECORDING)


def rules() -> str:
    """The resolver's rules in their order."""
    rows = ["| # | rule | what stands there, and what it means |", "| --- | --- | --- |"]
    rows += [f"| {n} | {rule.name} | {rule.words} |" for n, rule in enumerate(RULES, 1)]
    return "\n".join(rows)


def errors() -> str:
    """The public exceptions, what each means, and the exit code that the command line gives it."""
    rows = ["| exception | what it means | exit code |", "| --- | --- | --- |"]
    found = {name: getattr(ezrec, name) for name in ezrec.__all__}
    kinds = {name: kind for name, kind in found.items() if _is_error(kind)}
    for name, kind in sorted(kinds.items(), key=lambda item: (_family(item[1]), item[0])):
        words = " ".join((kind.__doc__ or "").split())
        rows.append(f"| `{name}` | {words} | {_code(kind)} |")
    return "\n".join(rows)


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


def _family(kind: type) -> tuple[bool, bool]:
    return (issubclass(kind, StateMachineError), kind not in (EzrecError, StateMachineError))


def _code(kind: type) -> int:
    if issubclass(kind, EzrecError):
        return kind.exit_code
    codes = (code for known, code in boundary._CODES if issubclass(kind, known))
    return next(codes, boundary.EX_FAILURE)


def sources() -> str:
    """Every module, in the words of its own docstring's first sentence."""
    return "\n\n".join("\n".join(_package(path, words)) for path, words in _PACKAGES.items())


def _package(path: str, words: str) -> Iterator[str]:
    yield f"**`{path}/`**, {words}\n"
    for module in sorted((REPOSITORY / path).glob("*.py")):
        yield f"- `{path}/{module.name}`: {_sentence(module)}"


def _sentence(module: Path) -> str:
    text = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    first = " ".join(text.partition("\n\n")[0].split()).rstrip(".")
    return first.replace("|", "\\|")


PARTS: dict[str, Callable[[], str]] = {
    "drawing": drawing,
    "states": states,
    "rules": rules,
    "errors": errors,
    "sources": sources,
    "settings": settings,
    "promises": promises.table,
}


def parts(page: str) -> dict[str, str]:
    """What stands in a page between the markers, by name."""
    return dict(_PART.findall(page))


def rewritten(page: str) -> str:
    """The page with every part that is made from the code made anew."""
    return _PART.sub(_anew, page)


def _anew(match: re.Match[str]) -> str:
    name = match[1]
    text = PARTS[name]() if name in PARTS else match[2]
    return f"<!-- {name}: begin -->\n{text}\n<!-- {name}: end -->"


def public() -> Iterator[tuple[str, object]]:
    """Every public name of both packages."""
    for package in (ezrec, statemachine):
        for name in package.__all__:
            yield f"{package.__name__}.{name}", getattr(package, name)


def main(names: list[str]) -> None:
    for name in names:
        path = Path(name)
        path.write_text(rewritten(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
