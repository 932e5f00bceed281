"""Steps of a trace that are written down by hand."""

from __future__ import annotations

from tests.disk.trace import Change, Step


def step(
    *changes: Change, call: str = "", node: int | None = None, role: str = "daemon", pid: int = 1
) -> Step:
    """What one call changed; nobody asks for its name, its site or its time."""
    return Step(
        role=role,
        pid=pid,
        call=call,
        name="",
        node=node,
        site=(),
        begun=0.0,
        ended=0.0,
        changes=changes,
    )
