"""The files of a run are read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ezrec.statemachine import files
from ezrec.statemachine.runs import (
    PROGRESS,
    RESULT_ROOM,
    STATUS,
    Progress,
    RunResult,
    read_progress,
    read_result,
    result_bytes,
)


def test_every_field_comes_back(tmp_path: Path) -> None:
    """None is dropped by the check of what others may have written there."""
    progress = Progress(
        run="a1",
        supervisor=7,
        started=8,
        nursery=9,
        nursery_started=10,
        begun=True,
        hook=11,
        percent=42.5,
    )
    result = RunResult(
        run="a1",
        exit=None,
        signal=9,
        ended_by="limit",
        command="merge",
        notes=("one",),
        survivors=(12,),
        seconds=1.5,
    )
    with files.directory(tmp_path) as fd:
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / PROGRESS).write_text(json.dumps(progress._asdict()))
        (tmp_path / "logs" / f"{STATUS}a1").write_bytes(result_bytes(result))
        assert read_progress(fd) == progress
        assert read_result(fd, "a1") == result


@pytest.mark.parametrize("count", [1, 20, 3000])
def test_an_end_has_room_whatever_was_noted(tmp_path: Path, count: int) -> None:
    """An emoji takes twelve bytes: notes are left out, never the end, and never the last one."""
    notes = tuple(f"{number} " + "\N{MOVIE CAMERA}" * 290 for number in range(count))
    data = result_bytes(RunResult(run="a1", exit=0, notes=notes))
    assert len(data) <= RESULT_ROOM
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / f"{STATUS}a1").write_bytes(data)
    with files.directory(tmp_path) as fd:
        found = read_result(fd, "a1")
    assert found is not None and found.exit == 0
    assert found.notes[-1] == notes[-1] and found.notes[:-1] == notes[: len(found.notes) - 1]
