"""P13: what a recording is called, on the command line and on the disk, leads nowhere outside the root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ezrec import State, Station
from ezrec.errors import EzrecError
from ezrec.statemachine import names
from ezrec.statemachine.errors import StateMachineError
from tests.conftest import Figure
from tests.ezrec.station_fixture import FOOTAGE, Folder
from tests.hostile.commands import TAKE_REC, drives_a_terminal, say, with_recording
from tests.hostile.witness import Witness, make_outside

MARKERS = (".lock", ".done", ".merged", ".merge_error", ".completed", ".error", ".hold")
#: OUT stands for the tree outside; what begins with `@` is made on the disk as a link to it
IDS = (
    *("", ".", "..", "...", "/", "//", "~", "~root", "-", "--", "-rf", "--help", "--root=/etc"),
    *(
        "../elsewhere",
        "../elsewhere/like-a-recording",
        "a/../../elsewhere",
        "a/..",
        "a/.",
        "./a/..",
    ),
    *(
        "OUT",
        "OUT/like-a-recording",
        "OUT/secret",
        "/OUT/../OUT",
        "/etc",
        "/etc/passwd",
        "/proc/self",
    ),
    *(
        "/dev/null",
        "link",
        "link/like-a-recording",
        "2026-11-23/link",
        "2026-11-24/like-a-recording",
    ),
    *("2026-11-23", "2026-11-23/", "2026-11-23/..", "2026-11-23/../../elsewhere", "2026-11-23/a/b"),
    *("2026-11-23/2026-11-24", "2026-99-99/x", "2026-11-23/.done", "9999-99-99", "0000-00-00/.."),
    *(
        "a\0b",
        "../elsewhere\0",
        "./\0",
        "a\nb",
        "a\r",
        "a\tb",
        " a",
        "a ",
        "a b",
        "\x1b[31mred",
        "\x07",
    ),
    *("\x9b31m", "\u202egpj.exe", "\u200b", "a\u0301", "ａ", "а", "․․/elsewhere", "‥/elsewhere"),
    *(
        "..∕elsewhere",
        "..／elsewhere",
        "%2e%2e/elsewhere",
        "..\\elsewhere",
        "\udcff\udcfe",
        "\ud800",
    ),
    *(
        "x" * 65,
        "x" * 256,
        "x" * 10_000,
        "../" * 3_000 + "etc",
        "a/" * 5_000,
        "CON",
        "NUL",
        "aux.mp4",
    ),
    *("hooks", "hooks/capture.sh", "archive", "archive/x", ".ezrec", ".ezrec/tells", ".ezrec-root"),
    *(
        "ezrec.yaml",
        ".env",
        "$(touch /tmp/x)",
        "`id`",
        "a;b",
        "a|b",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "!!",
        "#",
    ),
    *MARKERS,
    *(f"a/{marker}" for marker in MARKERS),
    *("a/logs", "a/logs/journal", "a/recording.json", "a/camera_0.mp4", "$'\\x2e\\x2e'"),
)


@pytest.fixture
def outside(folder: Folder) -> Path:
    """The tree that nobody may touch, with links to it where a recording or a date could be."""
    made = make_outside(folder.site)
    folder.drop("a")
    (folder.root / "link").symlink_to(made)
    (folder.root / "2026-11-23").mkdir()
    (folder.root / "2026-11-23" / "link").symlink_to(made / "like-a-recording")
    (folder.root / "2026-11-24").symlink_to(made)
    return made


@pytest.fixture
def witness(outside: Path) -> Iterator[Witness]:
    """What is done to that tree from here on."""
    seen = Witness(outside)
    yield seen
    seen.close()


def spelled(text: str, outside: Path) -> str:
    return text.replace("OUT", str(outside)) if "OUT" in text else text


def below(root: Path) -> set[str]:
    """Every directory in the root that could be taken for a recording."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir()}


def check_made(root: Path, before: set[str]) -> None:
    """What came to be is a recording's directory, where and as a recording's may be, and what is in it."""
    for name in below(root) - before:
        parts = [part for part in name.split("/") if part != "logs"]
        if parts[0] == ".ezrec" or names.is_date(name):
            continue
        assert names.parts_of("/".join(parts)), name


def test_p13_no_id_leads_out_of_the_root(
    folder: Folder,
    outside: Path,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    long: bool,
    figure: Figure,
) -> None:
    """Every command that takes REC is told every hostile id: nothing outside the root is opened, read or
    changed, what `new` makes is a recording's directory or nothing, and each answer is a sentence."""
    monkeypatch.chdir(folder.root)
    site = set(os.listdir(folder.site))
    tried = 0
    for which, command in enumerate(TAKE_REC):
        for text in IDS if long else IDS[which % 3 :: 3]:
            if command == ("new",) and text == "a":
                continue
            before = below(folder.root)
            told = say(monkeypatch, folder.root, *with_recording(command, spelled(text, outside)))
            tried += 1
            assert drives_a_terminal(told.out + told.err) == "", (command, text, told)
            assert told.code in (0, 1, 2, 65, 69, 75), (command, text, told)
            escapes = witness.events()
            assert escapes == [], (command, text, escapes)
            check_made(folder.root, before)
    escapes = witness.changes() + sorted(set(os.listdir(folder.site)) ^ site)
    assert escapes == []
    figure("P13 hostile ids x commands, escapes", f"{tried}, {len(escapes)}")


def test_p13_the_library_refuses_what_the_command_line_does(
    folder: Folder, outside: Path, witness: Witness, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """`Station.recording` and `Station.new` with the same ids: a sentence of ours or a recording."""
    monkeypatch.chdir(folder.root)
    refused = 0
    with Station(folder.root) as station:
        for text in (spelled(each, outside) for each in IDS):
            for call in (station.recording, station.new):
                before = below(folder.root)
                try:
                    assert names.parts_of(call(text).id)
                except (StateMachineError, EzrecError):
                    refused += 1
                assert witness.events() == [], text
                check_made(folder.root, before)
    assert witness.changes() == []
    figure("P13 hostile ids refused by the library", f"{refused} of {2 * len(IDS)}")


def test_p13_any_text_as_an_id(
    folder: Folder,
    outside: Path,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    long: bool,
    figure: Figure,
) -> None:
    """Text of any kind, and text put together from what paths are made of, in every command."""
    monkeypatch.chdir(folder.root)
    pieces = st.sampled_from(
        ["..", "/", ".", "a", "link", "2026-11-23", "elsewhere", "~", "-", "\0"]
    )
    texts = st.text(max_size=30) | st.lists(pieces, max_size=8).map("".join)
    tried = 0

    @settings(
        max_examples=5000 if long else 40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(TAKE_REC), texts)
    @example(("status",), "\0/0")
    def attempt(command: tuple[str, ...], text: str) -> None:
        nonlocal tried
        tried += 1
        before = below(folder.root)
        told = say(monkeypatch, folder.root, *with_recording(command, text))
        assert drives_a_terminal(told.out + told.err) == ""
        assert witness.events() == []
        check_made(folder.root, before)

    attempt()
    escapes = witness.events() + witness.changes()
    assert escapes == []
    figure("P13 ids by Hypothesis, escapes", f"{tried}, {len(escapes)}")


def test_p13_directories_of_every_byte(
    folder: Folder, outside: Path, witness: Witness, figure: Figure
) -> None:
    """A directory for each byte that a name may hold, alone, first and last, in the root and below a
    date: what may be a recording is taken to its end, the rest is shown, and is left exactly as it is."""
    folder.configure("settle: 0\nstages:\n  merge: {limit: 8}\n  upload: {limit: 8}\n")
    made: dict[bytes, list[bytes]] = {}
    for byte in range(1, 256):
        for shape in (b"%c", b"%cx", b"x%c") if byte != 0x2F else ():
            home = os.fsencode(folder.root) + (b"/2026-11-23" if shape == b"x%c" else b"")
            path = home + b"/" + shape % byte
            if os.path.lexists(path):
                continue
            os.mkdir(path)
            for name, data in ((b"camera_0.mp4", FOOTAGE), (b".completed", b"")):
                with open(path + b"/" + name, "wb") as file:  # noqa: PTH123  # bytes are no Path
                    file.write(data)
            made[path] = sorted(os.listdir(path))
    folder.ezrec("watch", "--once")
    with Station(folder.root) as station:
        taken = {recording.id for recording in station.recordings()}
        for path, content in made.items():
            recording = os.fsdecode(path)[len(str(folder.root)) + 1 :]
            assert (recording in taken) == names.is_name(recording.rpartition("/")[2]), recording
            assert sorted(os.listdir(path)) == content
        assert all(each.state == State.COMPLETED for each in station.recordings() if each.id != "a")
    told = folder.ezrec("status").stdout
    escapes = witness.events() + witness.changes()
    assert drives_a_terminal(told) == "" and escapes == []
    bare = [os.fsdecode(path).rpartition("/")[2] for path in made]
    refused = len(made) - sum(map(names.is_name, bare))
    figure(
        "P13 directories of every byte, refused, escapes", f"{len(made)}, {refused}, {len(escapes)}"
    )
