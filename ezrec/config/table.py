"""The table of all settings in docs/configuration.md.

`python -m ezrec.config.table docs/configuration.md` writes it anew; without a file it is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ezrec.config.settings import SETTINGS, STAGE, Setting

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
HEAD = (
    "| key | what it means | type | default | example | environment | original's names |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def table() -> str:
    """All settings as a Markdown table."""
    return "\n".join((*HEAD, *map(_row, SETTINGS)))


def with_table(page: str) -> str:
    """The page with the table anew between its markers. ValueError where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _row(setting: Setting) -> str:
    cells = (
        f"`{setting.key}`",
        setting.meaning,
        setting.kind.words,
        _default(setting),
        f"`{setting.example}`",
        f"`{setting.environment}`" if setting.environment else "",
        " ".join(f"`{name}`" for name in setting.original),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(setting: Setting) -> str:
    if setting.unset or STAGE in setting.parts:
        return setting.unset
    text = setting.default_text
    return "empty" if text == '""' else f"`{text}`"


def main(arguments: list[str]) -> None:
    if not arguments:
        print(table())
    for name in arguments:
        page = Path(name)
        page.write_text(with_table(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
