"""The files of a run are read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path

from ezrec.statemachine import files
from ezrec.statemachine.runs import (
    PROGRESS,
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
        stage="merge",
        percent=42.5,
        note="well",
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
