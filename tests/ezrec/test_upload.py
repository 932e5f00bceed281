"""The hook `upload`, its archive and its receipt, with real directories."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ezrec.archive import archive_path, make_archive, open_archive, url_of
from ezrec.errors import ConfigError, TryLater
from ezrec.objects import name_new, settle
from ezrec.receipt import check_receipt
from ezrec.statemachine import calls, files
from tests.ezrec.real_media import Site, colour
from tests.meanwhile import synced


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two different videos, made once."""
    place = tmp_path_factory.mktemp("videos")
    paths = place / "red.mp4", place / "blue.mp4"
    colour(paths[0], "red")
    colour(paths[1], "blue", seconds=2)
    return paths


@pytest.fixture
def site(tmp_path: Path, videos: tuple[Path, Path]) -> Site:
    """A recording with a merged video, and an archive under the root."""
    site = Site(root=tmp_path / "root", recording_id="2026-11-23/session_x")
    shutil.copy(videos[0], site.recording / "merged.mp4")
    make_archive(site.root / "archive")
    return site


NO_ARCHIVES = [
    *("s3://bucket", "file:relative", "file://host/x", "/plain", "x", "http://["),
    *("file:///a/../b", "file:///a?b", "file:///a%00b", "file:///a%ff"),
]


def stored(site: Site) -> Path:
    return site.root / "archive" / "2026-11-23" / "session_x.mp4"


def test_a_video_is_archived_with_a_receipt(site: Site) -> None:
    """The object is the video; the receipt says where it is and what it was made of."""
    ended = site.run("upload")
    assert ended.code == 0, ended.err
    data = (site.recording / "merged.mp4").read_bytes()
    assert stored(site).read_bytes() == data
    status = (site.recording / "merged.mp4").stat()
    assert site.facts("receipt.json") == {
        "url": url_of(stored(site)),
        "path": str(stored(site)),
        "key": "2026-11-23/session_x.mp4",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "source": {"name": "merged.mp4", "size": len(data), "mtime_ns": status.st_mtime_ns},
        "run": "0123abcd",
    }
    assert check_receipt(site.recording) is None
    assert ended.percents == sorted(ended.percents) and ended.percents[-1] == 100


def test_an_object_that_is_found_is_brought_to_the_disk(tmp_path: Path) -> None:
    """Whoever wrote it may have been killed, or had no reason to: its bytes, and then its name."""
    (tmp_path / "x.mp4").write_bytes(b"x")
    with files.directory(tmp_path) as shelf, synced() as inodes:
        settle(shelf, "x.mp4")
    assert inodes == [(tmp_path / "x.mp4").stat().st_ino, tmp_path.stat().st_ino]


def test_an_upload_that_is_done_already_is_done(site: Site) -> None:
    """Run twice, or without its receipt: the equal object counts, nothing is written to it."""
    assert site.run("upload").code == 0
    before = stored(site).stat()
    (site.recording / "receipt.json").unlink()
    ended = site.run("upload")
    assert (ended.code, ended.notes) == (0, ["the same object is in the archive already"])
    after = stored(site).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert check_receipt(site.recording) is None


def test_our_own_object_is_replaced(site: Site, videos: tuple[Path, Path]) -> None:
    """Merged again, uploaded again: the receipt knows the object that is there."""
    assert site.run("upload").code == 0
    shutil.copy(videos[1], site.recording / "merged.mp4")
    assert "speaks of another merged.mp4" in str(check_receipt(site.recording))
    assert site.run("upload").code == 0
    assert stored(site).read_bytes() == videos[1].read_bytes()
    assert check_receipt(site.recording) is None


def test_an_object_that_was_about_to_be_ours_is_replaced(
    site: Site, videos: tuple[Path, Path]
) -> None:
    """A crash between the object's rename and its receipt doesn't make it a stranger's."""
    assert site.run("upload").code == 0
    other = b"what a run before the crash had put there"
    stored(site).write_bytes(other)
    receipt = site.facts("receipt.json")
    receipt["pending"] = {"size": len(other), "sha256": hashlib.sha256(other).hexdigest()}
    (site.recording / "receipt.json").write_text(json.dumps(receipt))
    assert "never confirmed" in str(check_receipt(site.recording))
    assert site.run("upload").code == 0
    assert stored(site).read_bytes() == videos[0].read_bytes()


@pytest.mark.parametrize("with_receipt", [False, True])
def test_a_strangers_object_is_never_replaced(site: Site, with_receipt: bool) -> None:
    """Another object under our key: 65, both stay as they are, and the way out is named."""
    if with_receipt:
        assert site.run("upload").code == 0
    stored(site).parent.mkdir(exist_ok=True)
    stored(site).write_text("somebody else's")
    ended = site.run("upload")
    assert ended.code == 65
    assert "is in the archive" in ended.err and f"move {stored(site)} away" in ended.err
    assert stored(site).read_text() == "somebody else's"


def test_a_directory_or_a_link_in_the_objects_place_is_refused(site: Site) -> None:
    """Nothing that is no regular file is read or replaced."""
    stored(site).parent.mkdir()
    stored(site).symlink_to("/etc/passwd")
    assert site.run("upload").code == 65
    assert stored(site).is_symlink()


def test_an_object_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """Between looking and naming somebody else may have been there."""
    (tmp_path / "x.mp4").write_text("theirs")
    (tmp_path / "x.mp4.partial").write_text("ours")
    with files.directory(tmp_path) as dir_fd, pytest.raises(FileExistsError):
        name_new(dir_fd, "x.mp4.partial", "x.mp4")
    assert (tmp_path / "x.mp4").read_text() == "theirs"


def test_stale_partials_of_this_recording_go_and_others_stay(site: Site) -> None:
    """What a killed run left is removed; another recording's partial is not ours to touch."""
    stored(site).parent.mkdir()
    ours = stored(site).with_name("session_x.mp4.partial-dead")
    theirs = stored(site).with_name("session_y.mp4.partial-dead")
    named_alike = stored(site).with_name("session_x.mp4.partial-1.mp4")
    ours.write_text("half")
    theirs.write_text("half")
    named_alike.write_text("the object of the recording session_x.mp4.partial-1")
    stored(site).with_name("session_x.mp4.partial-0123abcd").write_text("half")
    assert site.run("upload").code == 0
    assert sorted(path.name for path in stored(site).parent.iterdir()) == [
        "session_x.mp4",
        "session_x.mp4.partial-1.mp4",
        "session_y.mp4.partial-dead",
    ]


@pytest.mark.parametrize("gone", ["mark", "directory"])
def test_an_archive_that_is_away_is_waited_for(site: Site, gone: str) -> None:
    """An unmounted NAS is an empty directory: 75, nothing is written, the way out is named."""
    archive = site.root / "archive"
    (archive / ".ezrec-archive").unlink()
    if gone == "directory":
        archive.rmdir()
    ended = site.run("upload")
    assert ended.code == 75
    assert f"touch {archive / '.ezrec-archive'}" in ended.err
    assert not archive.exists() or list(archive.iterdir()) == []
    make_archive(archive)
    assert site.run("upload").code == 0


@pytest.mark.parametrize("there", [True, False])
def test_the_way_out_of_an_archive_that_is_away_can_be_said_as_it_stands(
    tmp_path: Path, there: bool
) -> None:
    """A NAS may be mounted at a name with blanks."""
    archive = tmp_path / "the NAS" / "videos"
    if there:
        archive.mkdir(parents=True)
    with pytest.raises(TryLater) as caught, open_archive(archive):
        pass
    subprocess.run(["sh", "-c", caught.value.hint.partition(": ")[2]], check=True, cwd=tmp_path)
    with open_archive(archive):
        pass


def test_a_link_below_the_archive_is_not_followed(site: Site, tmp_path: Path) -> None:
    """The date's directory could lead anywhere."""
    (tmp_path / "elsewhere").mkdir()
    stored(site).parent.symlink_to(tmp_path / "elsewhere")
    assert site.run("upload").code != 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "to",
    [
        "s3://bucket",
        "file:relative",
        "file://host/x",
        "/plain",
        "file:///a/../b",
        "file:///a?b",
        "file:///a%00b",
    ],
)
def test_an_archive_that_can_not_be_is_a_fault_of_the_set_up(site: Site, to: str) -> None:
    """78: parked until the configuration changes."""
    site.to = to
    ended = site.run("upload")
    assert ended.code == 78
    assert "upload.to" in ended.err


def test_an_archives_path_comes_from_its_url() -> None:
    """Empty: below the root. Percent escapes are read, and written again."""
    root = Path("/root")
    assert archive_path("", root) == Path("/root/archive")
    assert archive_path("file:///mnt/my%20nas", root) == Path("/mnt/my nas")
    assert archive_path("file://localhost/mnt", root) == Path("/mnt")
    assert url_of(Path("/mnt/my nas/ä?#.mp4")) == "file:///mnt/my%20nas/%C3%A4%3F%23.mp4"
    with pytest.raises(ConfigError):
        archive_path("https://example.org/x", root)


def test_a_video_that_is_missing_or_broken_is_not_archived(site: Site) -> None:
    """65: merging again is the way out."""
    path = site.recording / "merged.mp4"
    os.truncate(path, path.stat().st_size - 10)
    ended = site.run("upload")
    assert ended.code == 65 and "its last 10 bytes are missing" in ended.err
    path.unlink()
    ended = site.run("upload")
    assert ended.code == 65 and "merged.mp4" in ended.err
    assert not stored(site).exists()


@pytest.mark.parametrize("recording_id", ["../x", "/x", "a/b/c", ".x", "2026-11-23/..", "x/y"])
def test_an_id_that_is_none_writes_nothing(site: Site, recording_id: str) -> None:
    """The key is made of the id: it is refused, never cleaned."""
    job = site.job("upload") | {"recording_id": recording_id}
    ended = site.run("upload", job)
    assert ended.code == 65
    assert [path.name for path in (site.root / "archive").iterdir()] == [".ezrec-archive"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "not json",
        '{"size": 1}',
        '{"url": 1, "key": [], "path": {}, "size": "x", "sha256": 5, "source": 7}',
    ],
)
def test_a_hostile_receipt_is_a_sentence(site: Site, text: str) -> None:
    """Whatever stands in receipt.json, checking it gives words and no exception."""
    (site.recording / "receipt.json").write_text(text)
    assert "receipt.json" in str(check_receipt(site.recording))


def test_a_receipt_is_checked_through_a_descriptor_too(site: Site) -> None:
    """The engine holds the directory open."""
    assert "nothing was uploaded" in str(check_receipt(site.recording))
    assert site.run("upload").code == 0
    fd = os.open(site.recording, os.O_RDONLY)
    assert check_receipt(fd) is None
    os.close(fd)
    (site.recording / "merged.mp4").unlink()
    assert check_receipt(site.recording) == "there is no merged.mp4"


def test_p03_a_receipt_that_the_disk_does_not_give_back_is_not_called_bad(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is for who asked to wait, or to make it anew; what stands in its place and is no file is bad."""

    def broken(_fd: int, _limit: int, _offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (site.recording / "merged.mp4").write_bytes(b"video")
    (site.recording / "receipt.json").write_text("{}")
    monkeypatch.setattr(calls, "read_at", broken)
    with pytest.raises(OSError, match="Input/output error"):
        check_receipt(site.recording)
    (site.recording / "receipt.json").unlink()
    (site.recording / "receipt.json").mkdir()
    assert "is not a plain file" in str(check_receipt(site.recording))
