"""The lifecycle drawn: as a Mermaid diagram, and as a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ezrec.statemachine.lifecycle import IDLE, LOCK, Lifecycle, Stage, State


def mermaid(lifecycle: Lifecycle) -> str:
    """A Mermaid state diagram of what happens by itself, and by `ezrec retry`.

    Pushes, which lead from any state to any, are left out.
    """
    lines = (f"    {source} --> {target}: {label}" for source, target, label in edges(lifecycle))
    ends = (s.name for s in lifecycle.states if lifecycle.is_final(s.name) and not s.error)
    return "\n".join(
        ["stateDiagram-v2", f"    [*] --> {IDLE}", *lines, *(f"    {end} --> [*]" for end in ends)]
    )


def edges(lifecycle: Lifecycle) -> Iterator[tuple[str, str, str]]:
    """What the diagram draws: (source, target, label)."""
    for name in _entrances(lifecycle):
        yield IDLE, name, lifecycle.state(name).marker or ""
    for stage in lifecycle.stages:
        yield from _stage_edges(stage)
    for error in lifecycle.states:
        if error.error:
            for back in dict.fromkeys(_failed_from(lifecycle, error.name)):
                yield error.name, back, "retry"


def _entrances(lifecycle: Lifecycle) -> Iterator[str]:
    """The states that a person begins with: to have it recorded, or with footage that is there."""
    first = lifecycle.lock_state
    recorder = lifecycle.stage_from(first.name) if first else None
    if first is not None:
        yield first.name
    if recorder is not None:
        yield recorder.ok
    elif lifecycle.stages:
        yield lifecycle.stages[0].source


def _stage_edges(stage: Stage) -> Iterator[tuple[str, str, str]]:
    if stage.working != stage.source:
        yield stage.source, stage.working, stage.name
        yield stage.working, stage.source, "again later"
    yield stage.working, stage.ok, "ok"
    if stage.exhausted != stage.refused:
        yield stage.working, stage.exhausted, "out of attempts"
        yield stage.working, stage.refused, "refused"
    else:
        yield stage.working, stage.refused, "refused, out of attempts"


def _failed_from(lifecycle: Lifecycle, error: str) -> Iterator[str]:
    """The states that a retry leads back to; where the lock's own stage failed: to what there is."""
    for stage in lifecycle.stages:
        if error in (stage.exhausted, stage.refused):
            source = lifecycle.state(stage.source)
            yield IDLE if source == lifecycle.lock_state else source.name


def table(lifecycle: Lifecycle) -> str:
    """A Markdown table of the states: their markers, what they mean, and what leads out of them."""
    rows = [("state", "marker", "meaning", "what comes next")]
    for state in lifecycle.states:
        rows += _rows(lifecycle, state)
    sizes = [max(len(row[n]) for row in rows) for n in range(4)]
    lines = [
        "| " + " | ".join(c.ljust(n) for c, n in zip(row, sizes, strict=True)) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * size for size in sizes) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _rows(lifecycle: Lifecycle, state: State) -> Iterator[tuple[str, str, str, str]]:
    """(state, marker, meaning, what comes next) of a settled state, and of its stage's working one."""
    stage = lifecycle.stage_from(state.name)
    marker = f"`{state.marker}`" if state.marker else "none"
    if stage is None:
        after = "an operator" if state.error or state.name == IDLE else "nothing"
        yield f"`{state.name}`", marker, state.summary, after
    elif stage.working == state.name:
        yield f"`{state.name}`", marker, state.summary, _ends(stage)
    else:
        yield f"`{state.name}`", marker, state.summary, f"stage `{stage.name}`"
        leased = f"{marker}, and `{LOCK}` under a lease"
        yield f"`{stage.working}`", leased, f"stage `{stage.name}` runs", _ends(stage)


def _ends(stage: Stage) -> str:
    bad = {stage.exhausted: "out of attempts", stage.refused: "refused"}
    if stage.exhausted == stage.refused:
        bad = {stage.refused: "refused, out of attempts"}
    ends = {stage.ok: "ok", **bad}
    return "; ".join(f"{why}: `{state}`" for state, why in ends.items())
