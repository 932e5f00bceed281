"""P13: links, hard links, FIFOs, sockets, devices and directories in the place of everything that ezrec
reads or writes. Nothing outside the root is read or changed, nothing waits, and the others go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.ezrec.command_line import make_clip
from tests.ezrec.station_fixture import FOOTAGE, Folder
from tests.hostile.commands import drives_a_terminal, say
from tests.hostile.places import OF_THE_ENGINE, OF_THE_ROOT, OF_THE_STAGES, Cell, cells, put
from tests.hostile.witness import SECRET, Witness, make_outside

_ROOM = """\
settle: 0
stages:
  merge: {limit: 4, attempts: 1, timeout: 20 s}
  upload: {limit: 4, attempts: 1, timeout: 20 s}
"""
#: hooks of the tests that follow no link themselves
_MERGE = """\
cp "$site/tiny.mp4" "new-$EZREC_RUN_ID" && mv -fT "new-$EZREC_RUN_ID" merged.mp4
"""
_UPLOAD = """\
size=$(stat -c %s merged.mp4) when=$(stat -c %.9Y merged.mp4 | tr -d .)
sum=$(sha256sum merged.mp4 | cut -d' ' -f1)
cat > new <<END
{"url": "file:///x", "path": "/x", "key": "x", "size": $size, "sha256": "$sum",
 "source": {"name": "merged.mp4", "size": $size, "mtime_ns": $when}}
END
mv -fT new receipt.json
"""
COMMANDS = (
    *(("status", "ID"), ("status", "--json", "ID"), ("why", "ID"), ("history", "ID")),
    *(("logs", "ID"), ("hold", "ID"), ("release", "ID"), ("retry", "ID"), ("stop", "ID")),
    *(("push", "ID", "merged"), ("push", "ID", "idle"), ("push", "ID", "recorded")),
)


def prepare(folder: Folder) -> Path:
    """The tree outside, with a file that has a second name in the root where a cell says so."""
    folder.configure(_ROOM)
    folder.hook("merge.sh", _MERGE)
    folder.hook("upload.sh", _UPLOAD)
    outside = make_outside(folder.site)
    (outside / "hard").write_bytes(SECRET)
    return outside


def lay_out(folder: Folder, outside: Path, every: list[Cell], footage: bytes) -> dict[str, Cell]:
    """A recording for each cell, ready to be merged, and what the cell says in its place."""
    laid = {f"r{number}": cell for number, cell in enumerate(every)}
    for name, cell in laid.items():
        place = folder.root / name
        place.mkdir()
        (place / "camera_0.mp4").write_bytes(footage)
        (place / ".done").touch()
        at = cell.place.replace("ARCHIVE", "../archive").replace("ID", name)
        put(cell, Path(os.path.normpath(place / at)), outside)
    return laid


def escapes(witness: Witness, laid: dict[str, Cell]) -> list[str]:
    """What was done outside. A hard link is the file itself: it may be looked at, and as footage read."""
    harmless = {"opened hard", "attributes hard"}
    if any(cell.place.startswith("camera_") for cell in laid.values()):
        harmless |= {"read hard"}
    return [each for each in witness.events() if each not in harmless] + witness.changes()


def check_commands(folder: Folder, monkeypatch: pytest.MonkeyPatch, laid: dict[str, Cell]) -> int:
    """Every command on each of them: a sentence, no traceback, nothing that drives a terminal."""
    said = 0
    for name, cell in laid.items():
        for words in COMMANDS:
            told = say(monkeypatch, folder.root, *(name if w == "ID" else w for w in words))
            assert told.code in (0, 1, 65, 69, 75), (str(cell), words, told)
            assert drives_a_terminal(told.out + told.err) == "", (str(cell), words)
            said += 1
    return said


def test_p13_in_the_place_of_what_the_engine_reads_and_writes(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, long: bool, figure: Figure
) -> None:
    """Markers, `.hold`, logs, the journal, the directory itself: by the daemon and by every command."""
    outside = prepare(folder)
    laid = lay_out(folder, outside, cells(OF_THE_ENGINE, None if long else 48), FOOTAGE)
    witness = Witness(outside)
    folder.drop("good", ".done")
    folder.ezrec("watch", "--once", code=None)
    folder.wait_for("good", ".completed")
    commands = check_commands(folder, monkeypatch, laid)
    folder.ezrec("watch", "--once", code=None)
    assert escapes(witness, laid) == []
    assert set(os.listdir(outside)) == {
        "hard",
        "secret",
        "secret.log",
        "secret.json",
        "like-a-recording",
    }
    figure("P13 places x kinds (engine), commands, escapes", f"{len(laid)}, {commands}, 0")


def test_p13_in_the_place_of_what_the_stages_read_and_write(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, long: bool, figure: Figure
) -> None:
    """Footage, outputs, partial names, documents, receipts and objects: by ezrec's own hooks."""
    outside = prepare(folder)
    for name in ("merge.sh", "upload.sh"):
        (folder.root / "hooks" / name).unlink()
    clip = make_clip(folder.site / "clip.mp4").read_bytes()
    (outside / "like-a-recording" / "camera_0.mp4").write_bytes(clip)
    laid = lay_out(folder, outside, cells(OF_THE_STAGES, None if long else 14), clip)
    witness = Witness(outside)
    folder.drop("good", ".done")
    (folder.root / "good" / "camera_0.mp4").write_bytes(clip)
    folder.ezrec_in("watch", "--once", seconds=600)
    folder.wait_for("good", ".completed")
    assert escapes(witness, laid) == []
    completed = sum(".completed" in folder.markers(name) for name in laid)
    figure("P13 places x kinds (stages), completed, escapes", f"{len(laid)}, {completed}, 0")


def test_p13_in_the_place_of_what_lies_below_the_root(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, long: bool, figure: Figure
) -> None:
    """`.ezrec`, its tells, the daemon's own file, a date: no hook can have the daemon write elsewhere."""
    outside = prepare(folder)
    folder.hook("on_completed", "exit 0\n")
    every = cells(OF_THE_ROOT, None if long else 8)
    witness = Witness(outside)
    for number, cell in enumerate(every):
        put(cell, folder.root / cell.place, outside)
        folder.drop(f"r{number}", ".done")
        folder.ezrec("watch", "--once", code=None)
        for words in (
            ("status",),
            ("new", f"2026-11-23/n{number}"),
            ("push", f"r{number}", "idle"),
        ):
            assert say(monkeypatch, folder.root, *words).code in (0, 69, 75), (str(cell), words)
        assert escapes(witness, {}) == [], str(cell)
        put(
            Cell(cell.place, lambda path, _outside: path.touch()), folder.root / cell.place, outside
        )
        (folder.root / cell.place).unlink()
        shutil.rmtree(folder.root / ".ezrec", ignore_errors=True)
    figure("P13 places x kinds (root), escapes", f"{len(every)}, 0")


PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://%s\n#EXT-X-ENDLIST\n",
    "hls-with-a-bom": b"\xef\xbb\xbf#EXTM3U\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n",
    "hls-key": b'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:1,\n%s\n',
    "ffconcat": b"ffconcat version 1.0\nfile '%s'\n",
    "concat": b"# comment\nfile '%s'\nfile '%s'\n",
    "dash": b'<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>%s</BaseURL>'
    b"</Representation></AdaptationSet></Period></MPD>",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=%s\n",
    "smooth": b"<smil><body><video src='%s'/></body></smil>",
    "image-list": b"%s\n",
    "dref": b"\0\0\0\x1cftypqt  \0\0\2\0qt  \0\0\0\0\0\0\0\0\0\0\0\x40moov\0\0\0\x38dref\0\0\0\0\0\0\0\1"
    b"\0\0\0\x28url \0\0\0\0file://%s",
}


def test_p13_playlists_under_the_names_of_videos(folder: Folder, figure: Figure) -> None:
    """A playlist names other files: not one of them is opened, whatever the video's suffix."""
    outside = prepare(folder)
    for name in ("merge.sh", "upload.sh"):
        (folder.root / "hooks" / name).unlink()
    video = outside / "video.mp4"
    make_clip(video)
    witness = Witness(outside)
    laid = []
    for number, (kind, text) in enumerate(PLAYLISTS.items()):
        suffix = ("mp4", "mkv", "ts", "mov")[number % 4]
        place = folder.drop(kind, files=())
        playlist = text.replace(b"%s", os.fsencode(video))
        for name in (f"camera_0.{suffix}", "camera_1.mp4"):
            (place / name).write_bytes(playlist)
        (place / ".done").touch()
        laid.append(kind)
    folder.ezrec_in("watch", "--once", seconds=120)
    assert all(folder.markers(name) == {".error"} for name in laid)
    assert witness.events() == [] and witness.changes() == []
    figure("P13 playlists, files of theirs opened", f"{len(laid)}, 0")


def test_p13_every_file_that_is_opened_lies_where_it_may(folder: Folder, figure: Figure) -> None:
    """strace of daemon, supervisors and ezrec's own hooks on links in every place: what the kernel has
    opened lies in the root, in /proc, or is a program, a library or a device of theirs.

    Where there is no strace, the witness of the tree outside stands in: it saw the same links.
    """
    outside = prepare(folder)
    for name in ("merge.sh", "upload.sh"):
        (folder.root / "hooks" / name).unlink()
    clip = make_clip(folder.site / "clip.mp4").read_bytes()
    some = cells((*OF_THE_ENGINE, *OF_THE_STAGES), 0)[::4]
    laid = lay_out(folder, outside, some, clip)
    witness = Witness(outside)
    trace = folder.site / "trace"
    strace = shutil.which("strace")
    said = (
        f"{strace} -f -qq -y -e trace=open,openat,creat,openat2 -o {trace}".split()
        if strace
        else []
    )
    folder.ezrec_in("watch", "--once", seconds=300, prefix=tuple(said))
    assert escapes(witness, laid) == []
    opened = opened_in(trace) if strace else set()
    strays = {path for path in opened if not may_be_opened(path, folder)}
    assert not strays
    assert not strace or any(str(folder.root) in path for path in opened)
    figure("P13 paths opened under strace, astray", f"{len(opened)}, {len(strays)}")


def opened_in(trace: Path) -> set[str]:
    """What each open led to, as the kernel names it."""
    done = subprocess.run(
        ["grep", "-aoP", r"= \d+<\K[^>]+", trace], capture_output=True, check=True
    )
    return set(done.stdout.decode(errors="surrogateescape").splitlines())


_SYSTEM = ("/usr/", "/lib", "/etc/", "/proc/", "/sys/", "/dev/null", "/dev/urandom", "/bin/")


def may_be_opened(path: str, folder: Folder) -> bool:
    home = (str(folder.root), str(Path(__file__).parents[2]), os.path.realpath(sys.prefix))
    base = os.path.realpath(sys.base_prefix)
    return path.startswith((*home, base, *_SYSTEM)) or path in ("/", "/proc", str(folder.site))


def test_p13_a_hook_that_takes_its_logs_away_stops_nobody_else(
    folder: Folder, figure: Figure
) -> None:
    """The end of its run can't be journaled then; it holds no place of its stage, of which there is one."""
    outside = prepare(folder)
    folder.configure("settle: 0\nstages:\n  merge: {limit: 1}\n")
    folder.hook("merge.sh", f'[ ! -e bad ] || {{ rm -r logs; ln -s "{outside}" logs; }}\n' + _MERGE)
    witness = Witness(outside)
    folder.drop("bad", ".done", files=("camera_0.mp4", "bad"))
    folder.drop("good", ".done")
    folder.ezrec_in("watch", "--once", seconds=60)
    assert folder.markers("good") == {".completed"} and ".done" in folder.markers("bad")
    assert escapes(witness, {}) == []
    assert f"mv -nT -- {folder.root / 'bad' / 'logs'}" in folder.ezrec("status").stdout
    figure("P13 recordings stopped by another's hook", 0)
