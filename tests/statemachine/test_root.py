"""The root: how it is known, what is found in it, and what can't lead out of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ezrec.statemachine import files
from ezrec.statemachine.errors import (
    DirectoryRefused,
    NameRefused,
    NoSuchRecording,
    RootUnusable,
    StateMachineError,
)
from ezrec.statemachine.lookup import find
from ezrec.statemachine.names import is_name
from ezrec.statemachine.root import MARK, Root, make_root
from ezrec.statemachine.scan import Found, Refusal, scan


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A root with some recordings; `elsewhere` lies beside it."""
    path = tmp_path / "root"
    make_root(path)
    for name in ("plain", "2026-11-23/dated", "2026-11-23/twice", "2026-11-24/twice", "site"):
        (path / name).mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    return path


@pytest.fixture
def root(path: Path) -> Iterator[Root]:
    """That root, opened."""
    root = Root(path, reserved=frozenset({"site"}))
    yield root
    root.close()


def test_a_root_that_was_put_back_is_taken_up_with_its_lock(path: Path, root: Root) -> None:
    """Another inode with the same id: whoever held the old one holds it, and nobody else can."""
    assert files.try_lock(root.fd)
    shutil.copytree(path, path.with_name("copy"))
    path.rename(path.with_name("old"))
    path.with_name("copy").rename(path)
    assert not root.is_still_there()
    root.reopen()
    assert root.is_still_there()
    with files.directory(path) as other:
        assert not files.try_lock(other)


def test_a_root_whose_mark_is_a_link_is_not_the_one_that_was_opened(path: Path, root: Root) -> None:
    """A link to the old root's mark in what stands at its path now."""
    path.rename(path.with_name("old"))
    path.mkdir()
    (path / MARK).symlink_to(path.with_name("old") / MARK)
    assert not root.is_still_there()


def test_a_root_is_made_once(tmp_path: Path) -> None:
    """Made again it is left as it is; two roots have two ids."""
    make_root(tmp_path / "a")
    make_root(tmp_path / "b")
    mark = (tmp_path / "a" / MARK).read_bytes()
    make_root(tmp_path / "a")
    assert (tmp_path / "a" / MARK).read_bytes() == mark
    first, second = Root(tmp_path / "a"), Root(tmp_path / "b")
    assert first.id != second.id and len(first.id) == 16
    first.close()
    second.close()


def test_a_link_to_a_root_is_that_root(path: Path, tmp_path: Path) -> None:
    """An operator may say `~/recordings` for what lies on the SSD, also when making it."""
    (tmp_path / "link").symlink_to(path)
    make_root(tmp_path / "link")
    root = Root(tmp_path / "link")
    assert root.id == (path / MARK).read_text().strip()
    assert root.is_still_there()
    root.close()


@pytest.mark.parametrize(
    "kind", ["missing", "file", "unmarked", "mark is a link", "mark is a fifo", "mark is empty"]
)
def test_what_is_no_root_is_refused(tmp_path: Path, kind: str) -> None:
    """An empty mount point is not written to; the sentence says what to do; nothing stays open."""
    path = tmp_path / "root"
    if kind == "file":
        path.touch()
    elif kind != "missing":
        path.mkdir()
    if kind == "mark is a link":
        (tmp_path / "mark").write_text("x")
        (path / MARK).symlink_to("../mark")
    elif kind == "mark is a fifo":
        os.mkfifo(path / MARK)
    elif kind == "mark is empty":  # two of these could not be told apart
        (path / MARK).touch()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(RootUnusable) as refused:
        Root(path)
    assert str(path) in str(refused.value)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_root_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file in the way is a sentence, not a traceback."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RootUnusable, match="can't be made a root"):
            make_root(path)


def test_a_root_that_was_swapped_is_not_still_there(path: Path, root: Root, tmp_path: Path) -> None:
    """Removed, renamed away, or another root in its place."""
    assert root.is_still_there()
    path.rename(tmp_path / "away")
    assert not root.is_still_there()
    make_root(path)
    assert not root.is_still_there()
    (tmp_path / "away" / MARK).unlink()
    assert not root.is_still_there()


def test_a_scan_finds_both_levels(root: Root) -> None:
    """Recordings below the root and below a date; neither the site's directory nor our own."""
    found = [each.id for each in scan(root) if isinstance(each, Found)]
    assert found == ["2026-11-23/dated", "2026-11-23/twice", "2026-11-24/twice", "plain"]


def test_the_token_changes_with_an_entry(root: Root, path: Path) -> None:
    """A marker that comes is seen by the next scan without a listing."""
    before = {each.id: each.token for each in scan(root) if isinstance(each, Found)}
    os.utime(path / "plain", ns=(1, 1))
    (path / "2026-11-23" / "dated" / ".done").touch()
    after = {each.id: each.token for each in scan(root) if isinstance(each, Found)}
    assert {each for each in after if before[each] != after[each]} == {"plain", "2026-11-23/dated"}


def test_p13_what_cannot_be_a_recording_is_refused_with_the_mend(root: Root, path: Path) -> None:
    """Hostile names and links are shown with one command each; files and hidden names are nobody's."""
    for name in ("a b", "-rf", "new\nline", "2026-11-23/x y", "2026-11-23/2026-11-24", "é"):
        (path / name).mkdir()
    (path / "link").symlink_to("../elsewhere")
    (path / "file.zip").touch()
    (path / ".hidden").mkdir()
    (path / "dangling").symlink_to("nowhere")
    (path / "2026-11-25").symlink_to("../elsewhere")
    (path / "2026-11-23" / "film.mp4").symlink_to("../file.zip")
    (path / "no id").symlink_to("../elsewhere")
    os.mkfifo(path / "fifo")
    refused = {each.path: each for each in scan(root) if isinstance(each, Refusal)}
    expected = [
        "a b",
        "-rf",
        "new\nline",
        "2026-11-23/x y",
        "2026-11-23/2026-11-24",
        "é",
        "link",
        "no id",
    ]
    assert set(refused) == {str(path / name) for name in (*expected, "2026-11-25")}
    assert refused[str(path / "no id")].problem == "a link is never followed"
    for each in refused.values():
        assert each.problem and each.mend.startswith(("mv -nT -- ", "rm "))
        assert "\n" not in each.mend
    assert all(is_name(f.id.rpartition("/")[2]) for f in scan(root) if isinstance(f, Found))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", "plain"),
        ("plain/", "plain"),
        ("dated", "2026-11-23/dated"),
        ("2026-11-24/twice", "2026-11-24/twice"),
        ("{path}/plain", "plain"),
        ("{path}/2026-11-23/dated", "2026-11-23/dated"),
        ("{path}/x/../plain", "plain"),
    ],
)
def test_a_recording_is_called_by_id_name_or_path(
    root: Root, path: Path, text: str, found: str
) -> None:
    """As people say it."""
    assert find(root, text.format(path=path)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "../elsewhere",
        "/",
        "/etc",
        "{path}",
        "{path}/",
        "{path}/..",
        "{path}/../elsewhere",
        "{path}x/plain",
        "nothing",
        "twice",
        "a/b/c",
        "plain/../../elsewhere",
        "2026-11-23/..",
        "2026-11-23",
        "~",
        "~nobody-of-this-name/x",
        "a\0b",
        "/a\0b",
        "\n",
        "\udcff",
        "-",
        "*",
        "x" * 5000,
        ".hidden",
        ".ezrec",
    ],
    ids=ascii,
)
def test_p13_what_is_no_recording_is_refused(root: Root, path: Path, text: str) -> None:
    """A sentence for each, never another exception; of two of a name it is asked which."""
    with pytest.raises((NoSuchRecording, NameRefused)):
        find(root, text.format(path=path))


def test_of_two_of_a_name_both_are_told(root: Root) -> None:
    """So that the operator can say which."""
    with pytest.raises(NoSuchRecording, match="2026-11-23/twice and 2026-11-24/twice"):
        find(root, "twice")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nothing", NoSuchRecording),
        ("2026-11-23/nothing", NoSuchRecording),
        ("2027-01-01/dated", NoSuchRecording),
        ("site", NoSuchRecording),
        ("file.zip", NoSuchRecording),
        ("link", DirectoryRefused),
        ("2026-11-23/link", DirectoryRefused),
        ("2026-11-25/inside", DirectoryRefused),
        ("fifo", DirectoryRefused),
        ("..", NameRefused),
        ("2026-11-23/..", NameRefused),
        ("plain/x", NameRefused),
        ("/etc", NameRefused),
        ("a\0", NameRefused),
    ],
)
def test_p13_a_directory_is_opened_level_by_level(
    root: Root, path: Path, name: str, error: type[StateMachineError]
) -> None:
    """No link is followed at either level, and no descriptor is left behind."""
    (path / "link").symlink_to("../elsewhere")
    (path / "2026-11-23" / "link").symlink_to("../../elsewhere")
    (path.parent / "elsewhere" / "inside").mkdir()
    (path / "2026-11-25").symlink_to("../elsewhere")
    (path / "file.zip").touch()
    os.mkfifo(path / "fifo")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(error):
        root.open(name)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_mend_names_the_level_that_is_in_the_way(root: Root, path: Path) -> None:
    """A date that is a link: what lies behind it is another's, and is not to be removed."""
    (path.parent / "elsewhere" / "video").write_bytes(b"another's")
    (path / "2026-11-25").symlink_to(path.parent / "elsewhere")
    with pytest.raises(DirectoryRefused) as caught:
        root.open("2026-11-25/video")
    assert caught.value.hint == f"rm {path / '2026-11-25'}"


@pytest.mark.parametrize(
    ("recording", "levels"),
    [("plain", ["root"]), ("2026-11-23/dated", ["root", "2026-11-23"])],
)
def test_p02_the_name_of_a_recording_that_was_moved_in_is_brought_to_the_disk(
    root: Root, recording: str, levels: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every level above it: whoever has moved it in, or made the date, may not have."""
    synced: list[str] = []
    monkeypatch.setattr(files, "sync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    root.sync_above(recording)
    assert [Path(each).name for each in synced] == levels


def test_an_opened_recording_is_that_directory(root: Root, path: Path) -> None:
    """And it is closed afterwards."""
    before = len(os.listdir("/proc/self/fd"))
    with root.opened("2026-11-23/dated") as fd:
        assert os.fstat(fd).st_ino == (path / "2026-11-23" / "dated").stat().st_ino
    assert len(os.listdir("/proc/self/fd")) == before
