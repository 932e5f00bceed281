"""What a site may say about stages, and which stages it may add."""

from __future__ import annotations

from pathlib import Path

import pytest

from ezrec.config import load
from ezrec.config.stages import BUILT_IN, MARKERS, STATES
from ezrec.errors import ConfigError


def problems_of(stages: str, directory: Path) -> tuple[str, ...]:
    """What is wrong with `stages`, one stage a line, the first in line 2."""
    file = directory / "ezrec.yaml"
    file.write_text(f"stages:\n{stages}\n")
    try:
        load(file, {}, {})
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    "stages",
    [
        " merge:",
        " merge: {limit: 2}",
        " a: {after: merged, to: reviewed}",
        " a: {after: completed, to: told}\n b: {after: recorded, to: seen}",
        " b: {after: seen, to: heard}\n a: {after: merged, to: seen}",
    ],
)
def test_stages_that_have_their_place(stages: str, tmp_path: Path) -> None:
    """Built-in ones as they are; own ones after a settled state or after each other."""
    assert problems_of(stages, tmp_path) == ()


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        (" a:", "2: stages.a: a stage of your own needs both after and to"),
        (" a: {after: merged}", "2: stages.a: a stage of your own needs both after and to"),
        (
            " uplaod: {limit: 1}",
            "2: stages.uplaod: a stage of your own needs both after and to (di",
        ),
        (" merge: {to: x}", "2: stages.merge.to: merge is a stage of ezrec's own"),
        (" a: {after: merged, to: merged}", '2: stages.a.to: "merged" is a state of ezrec\'s own'),
        (" a: {after: merged, to: done}", "2: stages.a.to: the marker .done has a meaning already"),
        (" a: {after: merged, to: A}", '2: stages.a.to: "A" will not do'),
        (" a: {after: mergd, to: x}", '2: stages.a.after: "mergd" is not one of recorded, merged'),
        (" a: {after: idle, to: x}", '2: stages.a.after: "idle" is not one of recorded, merged'),
        (" a: {after: x, to: x}", "2: stages.a.after: a ring of stages: nothing ever leads to a"),
        (" a b: {after: merged, to: x}", '2: stages.a b: "a b" will not do'),
        (" on_x: {after: merged, to: x}", '2: stages.on_x: "on_x" will not do'),
        (" merge: {limit: 0}", '2: stages.merge.limit: "0" is no whole number from 1 to 64'),
        (" merge: {limti: 1}", "2: stages.merge.limti: there is no such setting (did you mean sta"),
        (" merge: {timeout: 0}", '2: stages.merge.timeout: "0" is no time at all'),
        (" merge: {outputs: ../x}", '2: stages.merge.outputs: "../x" will not do'),
        (" merge: {outputs: camera_0.mp4}", '2: stages.merge.outputs: "camera_0.mp4" will not do'),
        (" merge: {secrets: [A-B]}", "2: stages.merge.secrets: that is no name of an env"),
        (" merge: 3", "2: stages.merge: this is a section: keys belong below it"),
        (
            " a: {after: merged, to: x}\n b: {after: recorded, to: x}",
            "3: stages.b.to: the stage a leads there already",
        ),
        (
            " a: {after: merged, to: x}\n b: {after: merged, to: y}",
            '3: stages.b.after: the stage a comes after "merged" already',
        ),
    ],
)
def test_stages_that_cannot_be(stages: str, problem: str, tmp_path: Path) -> None:
    """One sentence at the line of the mistake."""
    (found,) = problems_of(stages, tmp_path)
    assert found.startswith(f"ezrec.yaml:{problem}")


def test_two_stages_that_wait_for_each_other_are_a_ring(tmp_path: Path) -> None:
    """Both are named: either may be the one to mend."""
    found = problems_of(" a: {after: y, to: x}\n b: {after: x, to: y}", tmp_path)
    assert [problem.rpartition(" ")[2] for problem in found] == ["a", "b"]


@pytest.mark.parametrize("state", [*STATES, *MARKERS])
def test_no_state_of_a_site_bears_a_name_that_is_taken(state: str, tmp_path: Path) -> None:
    """Neither a built-in state nor a marker, nor `.hold`, nor `.env`."""
    assert len(problems_of(f" a: {{after: recorded, to: {state}}}", tmp_path)) == 1


@pytest.mark.parametrize("stage", BUILT_IN)
def test_the_place_of_a_built_in_stage_is_fixed(stage: str, tmp_path: Path) -> None:
    """Both `after` and `to` are refused."""
    assert len(problems_of(f" {stage}: {{after: recorded, to: x}}", tmp_path)) == 2
