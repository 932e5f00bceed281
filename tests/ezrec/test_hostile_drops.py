"""Drops that nobody should make: what bears a marker's name and is none, what may not be written."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ezrec.station_fixture import FOOTAGE, Folder, content
from tests.waiting import wait_until

IS_ROOT = os.geteuid() == 0
#: Permission bits bind root, too, once it has given up its capabilities.
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if IS_ROOT else ()
NOBODY = 65534
SECRET = "somebody else's file\n"


def as_link(marker: Path, outside: Path) -> None:
    marker.symlink_to(outside)


def as_hard_link(marker: Path, outside: Path) -> None:
    marker.hardlink_to(outside)


def as_directory(marker: Path, _outside: Path) -> None:
    marker.mkdir()
    (marker / "camera_0.mp4").write_bytes(FOOTAGE)


def as_fifo(marker: Path, _outside: Path) -> None:
    os.mkfifo(marker)


@pytest.mark.parametrize("make", [as_link, as_hard_link, as_directory, as_fifo])
@pytest.mark.parametrize("marker", [".done", ".lock"])
def test_p13_what_only_bears_a_markers_name_is_refused(
    folder: Folder, make: Callable[[Path, Path], None], marker: str
) -> None:
    """No hook starts, nothing outside is written or read, `status` names it and the mend; doing what it
    says helps. Another recording goes on meanwhile."""
    outside = folder.site / "secret"
    outside.write_text(SECRET)
    place = folder.drop("bad")
    make(place / marker, outside)
    if marker == ".lock":
        (place / ".done").touch()
    with folder.daemon():
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
        row = folder.row("bad")
        assert marker in row["reason"] and str(place / marker) in row["mend"]
        assert folder.calls("start", recording="bad") == []
        subprocess.run(shlex.split(row["mend"]), check=True)
        (place / ".done").touch()
        folder.wait_for("bad", ".completed")
    assert outside.read_text() == SECRET
    assert content(place) == {"camera_0.mp4": FOOTAGE}


@pytest.mark.parametrize("make", [as_link, as_hard_link, as_directory, as_fifo])
def test_p13_a_push_touches_nothing_that_is_no_marker(
    folder: Folder, make: Callable[[Path, Path], None]
) -> None:
    """`ezrec push` and `retry` say what is in the way, and the mend."""
    outside = folder.site / "secret"
    outside.write_text(SECRET)
    place = folder.drop("bad")
    make(place / ".done", outside)
    for command in (("push", "bad", "merged"), ("push", "bad", "idle"), ("retry", "bad")):
        said = folder.ezrec(*command, code=69).stderr
        assert f"rm -r {place / '.done'}" in said
    assert outside.read_text() == SECRET
    assert set(os.listdir(place)) == {"camera_0.mp4", ".done"}


def test_a_marker_with_a_gigabyte_in_it_is_never_read(folder: Folder) -> None:
    """It is acted on as any other; what it holds is of no interest."""
    with folder.daemon() as daemon:
        place = folder.drop("match")
        os.truncate(os.open(place / ".done", os.O_WRONLY | os.O_CREAT), 1 << 30)
        folder.wait_for("match", ".completed")
        told = Path(f"/proc/{daemon.process.pid}/io").read_text()
    read = dict(line.split(": ") for line in told.splitlines())
    assert int(read["rchar"]) < 50 << 20
    assert (place / ".completed").stat().st_size <= 4096


def test_a_link_in_place_of_a_recording_is_not_followed(folder: Folder) -> None:
    """A link to a directory outside the root: refused, with the mend; nothing is written there."""
    outside = folder.drop("real", ".done").rename(folder.site / "elsewhere")
    (folder.root / "match").symlink_to(outside)
    with folder.daemon():
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
    row = folder.row("match")
    assert row["state"] is None and row["mend"] == f"rm {folder.root / 'match'}"
    assert set(os.listdir(outside)) == {"camera_0.mp4", ".done"}


@pytest.mark.parametrize(
    "name", ["two words", "new\nline", "\x1b[31mred", "-rf", "ü", "x" * 65, "a;b"]
)
def test_p13_a_name_that_is_refused_is_shown_with_its_mend(folder: Folder, name: str) -> None:
    """Nothing is done in it and nothing is written; the mend, said to a shell, makes it a recording."""
    place = folder.drop(name, ".done")
    with folder.daemon():
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
        assert set(os.listdir(place)) == {"camera_0.mp4", ".done"}
        row = folder.row(name)
        assert row["state"] is None
        subprocess.run(["bash", "-c", row["mend"]], check=True)
        wait_until(lambda: len(folder.archived()) == 2)
    assert "\x1b" not in folder.ezrec("status").stdout


def test_a_marker_of_another_user_is_carried_on(folder: Folder) -> None:
    """A marker made with sudo: its note can't be written, the transition is made all the same."""
    place = folder.drop("match", ".done")
    if IS_ROOT:
        os.chown(place / ".done", NOBODY, NOBODY)
    (place / ".done").chmod(0o444)
    with folder.daemon(prefix=UNPRIVILEGED):
        folder.wait_for("match", ".completed")
    assert (place / ".completed").stat().st_size == 0


def test_an_unwritable_recording_is_shown_and_the_station_goes_on(folder: Folder) -> None:
    """A directory of another user: in `status` with the command that mends it; mended, it is done."""
    place = folder.drop("match", ".done")
    mine = place.stat()
    if IS_ROOT:
        os.chown(place, NOBODY, NOBODY)
    place.chmod(0o555)
    with folder.daemon(prefix=UNPRIVILEGED) as daemon:
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
        wait_until(lambda: daemon.said("match: "))
        shown = folder.ezrec("status", prefix=UNPRIVILEGED).stdout
        assert "may not be written" in shown and f'chown -R "$(id -un)": {place}' in shown
        assert set(os.listdir(place)) == {"camera_0.mp4", ".done"}
        os.chown(place, mine.st_uid, mine.st_gid)
        place.chmod(0o755)
        folder.wait_for("match", ".completed", seconds=20)


def test_a_recording_that_may_not_be_opened_is_shown(folder: Folder) -> None:
    """Mode 000, of another user: refused with the mend, the others go on."""
    place = folder.drop("match", ".done")
    if IS_ROOT:
        os.chown(place, NOBODY, NOBODY)
    place.chmod(0o000)
    with folder.daemon(prefix=UNPRIVILEGED):
        folder.drop("good", ".done")
        folder.wait_for("good", ".completed")
        shown = folder.ezrec("status", prefix=UNPRIVILEGED).stdout
    assert "may not be opened" in shown and f'chown -R "$(id -un)": {place}' in shown
    place.chmod(0o700)


def test_a_link_that_leads_to_itself_is_shown_and_stops_nothing(folder: Folder) -> None:
    """It can't even be looked at; the drop beside it is taken to its end."""
    (folder.root / "loop").symlink_to("loop")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        assert "loop" in folder.ezrec("status").stdout


def test_files_directly_in_a_date_are_shown_with_the_mend(folder: Folder) -> None:
    """A date holds recordings: what lies beside them would never be looked at."""
    date = folder.root / "2026-11-23"
    date.mkdir()
    (date / "camera_0.mp4").write_bytes(FOOTAGE)
    (date / ".done").touch()
    shown = folder.ezrec("status", "--json").stdout
    (row,) = json.loads(shown)["recordings"]
    assert row["state"] is None
    subprocess.run(["bash", "-c", row["mend"]], check=True)
    folder.ezrec("watch", "--once")
    assert folder.markers("2026-11-23/recording-1") == {".completed"}


def test_the_mend_for_files_in_a_date_overwrites_nothing(folder: Folder) -> None:
    """Said again for others of the same names, it moves them into a directory of their own."""
    date = folder.root / "2026-11-23"
    date.mkdir()
    for video in (b"the first", b"the second"):
        (date / "camera_0.mp4").write_bytes(video)
        shots = json.loads(folder.ezrec("status", "--json").stdout)["recordings"]
        (mend,) = [shot["mend"] for shot in shots if shot["mend"]]
        subprocess.run(["bash", "-c", mend], check=True)
    found = [(date / name / "camera_0.mp4").read_bytes() for name in sorted(os.listdir(date))]
    assert found == [b"the first", b"the second"]
