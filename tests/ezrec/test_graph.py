"""The lifecycle drawn: complete, and nothing in it that can't happen."""

from __future__ import annotations

import re

from ezrec.config import load
from ezrec.graph import edges, mermaid, table
from ezrec.lifecycle import RECORDING, lifecycle_for
from ezrec.statemachine.lifecycle import IDLE, Lifecycle, Stage, State
from tests.ezrec.command_line import PLAIN, Site

_EDGE = re.compile(r"    (\[\*\]|[a-z][a-z0-9_]*) --> (\[\*\]|[a-z][a-z0-9_]*)(: [^:;#\n]+)?")
REVIEWED = PLAIN + "  review: {after: merged, to: reviewed}\n"
#: by hand, from any state to any, or read off the disk: these are left out of the diagram
_NOT_DRAWN = ("push_", "find_", "mend_", "ask", "clear")


def check(lifecycle: Lifecycle) -> None:
    legal = {(edge.source, edge.target) for edge in lifecycle.transitions}
    drawn = {(source, target) for source, target, _ in edges(lifecycle)}
    assert drawn <= legal
    by_itself = (e for e in lifecycle.transitions if not e.trigger.startswith(_NOT_DRAWN))
    assert {(e.source, e.target) for e in by_itself if e.source != e.target} <= drawn
    states = {s.name for s in lifecycle.states} | {s.working for s in lifecycle.stages}
    assert states == {name for edge in drawn for name in edge} | {IDLE}


def test_every_step_is_drawn_and_no_other() -> None:
    """What the machine allows of itself is in the diagram; what is in it, the machine allows."""
    check(RECORDING)


def test_a_site_with_a_stage_of_its_own(site: Site) -> None:
    """The diagram is the site's."""
    site.configure(REVIEWED)
    lifecycle = lifecycle_for(load(site.path("ezrec.yaml"), {}, {}))
    check(lifecycle)
    drawn = site.ezrec("graph").stdout
    assert drawn == mermaid(lifecycle) + "\n"
    assert "    merged --> reviewing: review\n" in drawn
    assert "    reviewing --> reviewed: ok\n" in drawn


def test_a_lifecycle_without_a_lock() -> None:
    """One that records nothing begins with its first stage."""
    printing = Lifecycle(
        name="print",
        states=(
            State(name="idle", marker=None),
            State(name="queued", marker=".queued"),
            State(name="printed", marker=".printed"),
            State(name="jammed", marker=".jammed", error=True),
        ),
        stages=(
            Stage(
                name="print",
                source="queued",
                working="printing",
                ok="printed",
                exhausted="jammed",
                refused="jammed",
            ),
        ),
    )
    check(printing)
    assert "    idle --> queued: .queued" in mermaid(printing)
    assert "`printing`" in table(printing)


def test_it_is_mermaid() -> None:
    """A header, and then nothing but edges, each once."""
    head, *lines = mermaid(RECORDING).splitlines()
    assert head == "stateDiagram-v2"
    assert all(_EDGE.fullmatch(line) for line in lines), lines
    assert len(set(lines)) == len(lines)
    assert lines[0] == "    [*] --> idle" and lines[-1] == "    completed --> [*]"


def test_the_table_has_every_state() -> None:
    """Markdown: as many columns in each row, working states too."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table(RECORDING).splitlines()
    ]
    assert {len(row) for row in rows} == {4} and set("".join(rows[1])) == {"-"}
    names = [row[0].strip("`") for row in rows[2:]]
    assert names == [
        *("idle", "recording", "recorded", "merging", "merged", "uploading"),
        *("completed", "merge_failed", "failed"),
    ]


def test_graph_without_a_root(site: Site) -> None:
    """ezrec's own lifecycle needs none."""
    done = site.ezrec("graph", "--format", "table", rooted=False)
    assert (done.returncode, done.stdout) == (0, table(RECORDING) + "\n")
