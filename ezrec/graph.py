"""The lifecycle drawn: as a Mermaid diagram, and as a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ezrec.statemachine.lifecycle import LOCK, Lifecycle, Stage


def mermaid(lifecycle: Lifecycle) -> str:
    """A Mermaid state diagram; pushes, which lead from any state to any, are left out."""
    return "\n".join(["stateDiagram-v2", *_edges(lifecycle)])


def _edges(lifecycle: Lifecycle) -> Iterator[str]:
    yield "    [*] --> idle"
    lock = lifecycle.lock_state
    if lock is not None:
        yield f"    idle --> {lock.name}: {LOCK}"
    for stage in lifecycle.stages:
        yield from _stage_edges(stage)
    for state in lifecycle.states:
        if lifecycle.is_final(state.name) and not state.error:
            yield f"    {state.name} --> [*]"


def _stage_edges(stage: Stage) -> Iterator[str]:
    if stage.working != stage.source:
        yield f"    {stage.source} --> {stage.working}: {stage.name}"
    yield f"    {stage.working} --> {stage.ok}: ok"
    if stage.exhausted != stage.refused:
        yield f"    {stage.working} --> {stage.exhausted}: out of attempts"
        yield f"    {stage.working} --> {stage.refused}: refused"
    else:
        yield f"    {stage.working} --> {stage.refused}: refused, out of attempts"


def table(lifecycle: Lifecycle) -> str:
    """A Markdown table of the states: their markers, what they mean, and what leads out of them."""
    rows = [("state", "marker", "meaning", "what comes next")]
    rows += [
        (
            f"`{s.name}`",
            f"`{s.marker}`" if s.marker else "none",
            s.summary,
            _next(lifecycle, s.name),
        )
        for s in lifecycle.states
    ]
    sizes = [max(len(row[n]) for row in rows) for n in range(4)]
    lines = [
        "| " + " | ".join(c.ljust(n) for c, n in zip(row, sizes, strict=True)) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * size for size in sizes) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _next(lifecycle: Lifecycle, state: str) -> str:
    stage = lifecycle.stage_from(state)
    if stage is not None:
        ends = dict.fromkeys((stage.ok, stage.exhausted, stage.refused))
        return f"stage `{stage.name}`, to " + ", ".join(f"`{end}`" for end in ends)
    return "an operator" if lifecycle.state(state).error else "nothing"
