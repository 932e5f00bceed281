"""The hooks' error boundary, the job on stdin, and recording.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrec import document
from ezrec.errors import ConfigError, DataError, Unavailable
from ezrec.job import Job
from ezrec.media.ffmpeg import find_ffmpeg
from ezrec.statemachine import files
from tests.ezrec.real_media import HOOKS, Site

LEAST = {"hook": "merge", "recording_id": "x", "recording_dir": "/r/x", "root": "/r"}


def test_a_job_has_defaults_for_what_is_not_said() -> None:
    """Only the recording and its place are needed."""
    job = Job.from_document(LEAST)
    assert (job.recording_dir, job.attempt, job.camera_ids) == (Path("/r/x"), 1, ())
    assert job.capture.size == (1280, 720)
    assert job.merge.feather == 100 and job.merge.height is None


def test_a_job_is_read_whole() -> None:
    """Seconds become durations, lists tuples, an empty config None."""
    options = {
        "capture": {"max_seconds": 90, "size": [640, 480], "rate": 25, "bitrate": 1000},
        "cameras": [{"id": "0", "name": "left", "serial": None}],
        "merge": {"layout": "stacked", "feather": 20, "height": 720},
        "upload": {"to": "file:///mnt"},
    }
    job = Job.from_document({**LEAST, "config": "", "camera_ids": ["0"], "options": options})
    assert job.capture.max_seconds.total_seconds() == 90
    assert (job.capture.size, job.cameras[0].name, job.config) == ((640, 480), "left", None)
    assert (job.merge.layout, job.merge.height, job.upload.to) == ("stacked", 720, "file:///mnt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recording_id": ""}, "has no 'recording_id'"),
        ({"root": "relative"}, "'root' must be an absolute path"),
        ({"attempt": "1"}, "'attempt' must be a whole number"),
        ({"camera_ids": "01"}, "'camera_ids' must be a list"),
        ({"camera_ids": [0]}, "'camera_ids' must be a list of texts"),
        ({"options": []}, "'options' must be an object"),
        ({"options": {"capture": {"size": [1]}}}, "'size' must be two whole numbers"),
        ({"options": {"capture": {"rate": 0}}}, "'rate' must be a whole number, 1 or more"),
        ({"options": {"capture": {"max_seconds": -1}}}, "'max_seconds' must be a finite number"),
        ({"options": {"capture": {"backend": "film"}}}, "'backend' must be one of synthetic"),
        ({"options": {"merge": {"layout": "round"}}}, "'layout' must be one of side_by_side"),
        ({"options": {"cameras": [1]}}, "'cameras' must be a list of objects"),
    ],
)
def test_a_bad_job_names_the_key(change: dict[str, object], said: str) -> None:
    """One sentence, with the key and what it must be."""
    with pytest.raises(ConfigError) as caught:
        Job.from_document({**LEAST, **change})
    assert said in caught.value.message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["options", "attempt", "camera_ids", "recording"]), anything)
)
def test_any_job_is_read_or_refused(change: dict[str, object]) -> None:
    """No document gets a traceback."""
    try:
        Job.from_document({**LEAST, **change})
    except ConfigError as error:
        assert error.message


@given(anything)
def test_any_document_is_read_or_refused(value: object) -> None:
    """`recording.json` and the length in it."""
    try:
        document.seconds_asked(document.parse(json.dumps(value).encode()))
    except DataError as error:
        assert error.message


def test_a_document_is_updated_whole(tmp_path: Path) -> None:
    """Other keys stay; text of any kind survives; no partial is left behind."""
    with files.directory(tmp_path) as dir_fd:
        assert document.read(dir_fd) == {}
        document.update(dir_fd, {"by": "ä\ud800\n"})
        assert document.update(dir_fd, {"seconds": 3}) == {"by": "ä\ud800\n", "seconds": 3}
        assert document.read(dir_fd) == {"by": "ä\ud800\n", "seconds": 3}
    assert os.listdir(tmp_path) == ["recording.json"]


def test_ffmpeg_is_the_systems_else_the_one_that_came_with_ezrec(tmp_path: Path) -> None:
    """PATH first; a machine with nothing installed still has one."""
    own = tmp_path / "ffmpeg"
    own.touch(mode=0o755)
    assert find_ffmpeg(str(tmp_path)) == str(own)
    own.unlink()
    try:
        assert "imageio_ffmpeg" in find_ffmpeg(str(tmp_path))
    except Unavailable as error:
        assert error.hint == "sudo apt install ffmpeg"


@pytest.mark.parametrize("stage", ["capture", "merge", "upload"])
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_hook_without_its_job_is_a_fault_of_the_set_up(
    tmp_path: Path, stage: str, text: bytes
) -> None:
    """78 and one sentence, whatever stands on stdin."""
    ended = Site(root=tmp_path).run(stage, text)
    assert ended.code == 78
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        ("pass", 0, ""),
        ("raise DataError('bad', 'mend it')", 65, "bad (mend it)\n"),
        ("raise TryLater('away')", 75, "away\n"),
        ("raise OSError(28, 'full', 'a.mp4')", 75, "a.mp4: full\n"),
        ("raise OSError(13, 'denied', 'a.mp4')", 1, "a.mp4: denied\n"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, "stopped by SIGTERM\n"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
        ("note('two\\nlines'); progress(-5); progress(250)", 0, ""),
    ],
)
def test_a_hook_of_ones_own_ends_as_the_contract_says(raised: str, code: int, said: str) -> None:
    """Every known failure is an exit code and a sentence, in one place."""
    script = (
        "import os, signal\nfrom ezrec.errors import *\nfrom ezrec.hook import *\n"
        f"def work(job):\n    {raised}\nrun_hook(work)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", script],
        input=json.dumps(LEAST),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (code, said)
    if "note" in raised:
        lines = ["ezrec:note two lines", "ezrec:progress 0.0", "ezrec:progress 100.0"]
        assert ended.stdout.splitlines() == lines


@pytest.mark.parametrize("stage", ["capture", "merge", "upload"])
def test_the_hooks_are_short_and_can_be_run(stage: str) -> None:
    """A script to copy: executable, with a shebang, over one function."""
    path = HOOKS / f"{stage}.py"
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/usr/bin/env python3\n")
    assert len(path.read_text().splitlines()) <= 12
