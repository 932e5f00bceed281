"""P13: what is swapped between a look and a call is not followed and not replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ezrec.cli.group import Common, ezrec
from ezrec.errors import DataError
from ezrec.media.sniff import open_footage
from ezrec.objects import digest_there
from ezrec.statemachine import files, journal
from tests.ezrec.station_fixture import Folder
from tests.hostile.witness import Witness, make_outside
from tests.meanwhile import meanwhile

OPENED: dict[str, tuple[str, Callable[[int], object]]] = {
    "footage": ("camera_0.mp4", lambda fd: open_footage(fd, "camera_0.mp4")),
    "object": ("match.mp4", lambda fd: digest_there(fd, "match.mp4")),
    "journal": (journal.NAME, journal.linked_content),
}


@pytest.mark.parametrize("what", OPENED)
def test_p13_a_link_that_comes_at_the_last_moment_is_not_followed(
    tmp_path: Path, what: str
) -> None:
    """The file was looked at, and is a link when it is opened."""
    outside = make_outside(tmp_path)
    witness = Witness(outside)
    name, opened = OPENED[what]
    path = tmp_path / "rec" / name
    path.parent.mkdir()
    path.write_bytes(b"ours")

    def swap() -> None:
        path.unlink()
        path.symlink_to(outside / "secret")

    refused = pytest.raises((OSError, DataError))
    with files.directory(path.parent) as fd, meanwhile("open", name, swap), refused:
        opened(fd)
    assert witness.events() == []
    witness.close()


def test_p17_a_name_that_is_taken_at_the_last_moment_is_not_replaced(folder: Folder) -> None:
    """`repair` gives a directory another name, and somebody makes one of that name: by hand, then."""
    bad = folder.drop("bad name", ".done")
    taken = folder.root / "bad-name"
    argv = ["--root", str(folder.root), "repair"]
    with meanwhile("rename_new", "bad name", taken.mkdir):
        done = CliRunner().invoke(ezrec, argv, obj=Common())
    assert done.exit_code == 1 and "it can't be mended: File exists" in done.output, done.output
    assert (bad / "camera_0.mp4").exists() and list(taken.iterdir()) == []
