"""What a process that ezrec starts inherits of an environment: never a secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_INHERITED = ("PATH", "HOME", "LANG", "TZ")


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Only what every program needs."""
    return {key: environment[key] for key in _INHERITED if key in environment}
