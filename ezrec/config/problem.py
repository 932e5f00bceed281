"""One fault in the configuration. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ezrec.config.wording import visible


class Problem(NamedTuple):
    """One fault, in one sentence: `ezrec.yaml:12: merge.layout: "up" is not one of …`."""

    source: str
    sentence: str
    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        source = visible(self.source)
        place = f"{source}:{self.line}" if self.line else source
        return ": ".join(part for part in (place, visible(self.name), self.sentence) if part)
