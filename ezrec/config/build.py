"""From what is given to the Config. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ezrec.config.model import CaptureSettings, Config, MergeSettings, UploadSettings
from ezrec.config.nodes import Blank, Given
from ezrec.config.problem import Problem
from ezrec.config.settings import setting_of
from ezrec.config.stages import build_stages

#: Each key with the winner among its givens and the value it means; None where it has a fault.
Understood = dict[tuple[str, ...], tuple[Given, Any]]


def understood(
    strict: Iterable[Given], lenient: Iterable[Given], problems: list[Problem]
) -> Understood:
    """The first of each key wins. What is ezrec's own (`strict`) is checked even where it loses;
    what is shared with the original (`lenient`) only where it wins."""
    found: Understood = {}
    for given in strict:
        if not isinstance(given.node, Blank) or setting_of(given.key) is None:
            found.setdefault(given.key, (given, _value(given, problems)))
    for given in lenient:
        if given.key not in found:
            found[given.key] = (given, _value(given, problems))
    return found


def _value(given: Given, problems: list[Problem]) -> Any:
    if given.fault:
        problems.append(given.problem(given.fault))
        return None
    setting = setting_of(given.key)
    return setting.kind.read(given, problems) if setting else None


def build(found: Understood, problems: list[Problem]) -> Config:
    """A Config; if there are problems, nothing but its root is worth anything."""
    stages = build_stages(_by_stage(found), problems)
    if problems:
        _, root = found.get(("root",), (None, None))
        return Config(root=root)
    top = {key[0]: value for key, (_, value) in found.items() if len(key) == 1}
    hooks = {f"hooks_{name}": value for name, value in _section(found, "hooks").items()}
    return Config(
        **top,
        **hooks,
        stages=stages,
        capture=CaptureSettings(**_section(found, "capture")),
        merge=MergeSettings(**_section(found, "merge")),
        upload=UploadSettings(**_section(found, "upload")),
    )


def _section(found: Understood, section: str) -> dict[str, Any]:
    return {
        key[1]: value for key, (_, value) in found.items() if len(key) == 2 and key[0] == section
    }


def _by_stage(found: Understood) -> dict[str, dict[str, tuple[Given, Any]]]:
    """What is said of each stage by field; under "" where the stage itself is named."""
    stages: dict[str, dict[str, tuple[Given, Any]]] = {}
    for key, said in found.items():
        if key[0] == "stages":
            stages.setdefault(key[1], {})["".join(key[2:])] = said
    return stages
