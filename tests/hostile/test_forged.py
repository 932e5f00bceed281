"""P13: what ezrec wrote itself may have been written by somebody else. A journal, a result or a tell with
right checksums and a path in each field leads nowhere outside the root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.ezrec.station_fixture import FOOTAGE, Folder
from tests.hostile.commands import drives_a_terminal, say
from tests.hostile.forged import write_journal
from tests.hostile.witness import Witness, make_outside

#: each leads from the recording's logs, or from where it is put together into a name, to the tree outside
PATHS = (
    *(
        "../../../elsewhere/secret",
        "../../elsewhere/secret",
        "../elsewhere/secret",
        "elsewhere/secret",
    ),
    *(
        "x/../../../../elsewhere/secret",
        "x/../../../../elsewhere/doomed",
        "OUT/secret",
        "OUT/doomed",
    ),
    *("..", ".", "", "/", "a\0b", "\ud800", "\x1b[31m", "x" * 5000, "../" * 1000 + "OUT/secret"),
)


@pytest.fixture
def outside(folder: Folder) -> Path:
    made = make_outside(folder.site)
    (made / "doomed").write_text("{}")
    return made


@pytest.fixture
def witness(outside: Path) -> Iterator[Witness]:
    seen = Witness(outside)
    yield seen
    seen.close()


def spelled(text: str, outside: Path) -> str:
    return text.replace("OUT", str(outside))


def recordings(folder: Folder, outside: Path) -> list[str]:
    """For each path: a journal whose every field is that path, with a run that goes on, and one that
    failed; and, where a name is put together with it, the directory that makes the path whole."""
    made = []
    for number, path in enumerate(spelled(each, outside) for each in PATHS):
        for kind in ("going", "failed"):
            name = f"{kind}{number}"
            place = folder.root / name
            place.mkdir()
            (place / "camera_0.mp4").write_bytes(FOOTAGE)
            (place / ".done").touch()
            attempt: dict[str, object] = {
                "kind": "attempt",
                "run": path,
                "stage": path,
                "state": path,
                "attempt": 1,
            }
            ended = {**attempt, "kind": "ended", "result": "failed", "reason": path, "to": ""}
            state: dict[str, object] = {
                "kind": "state",
                "state": "recorded",
                "marker": ".done",
                "content": path,
            }
            merge = {**attempt, "stage": "merge", "state": "recorded"}
            lines = (
                [state, merge] if kind == "going" else [state, attempt, {**ended, "setup": path}]
            )
            write_journal(folder.root, name, lines)
            for trap in (".run-x", ".run-..", "x"):
                (place / "logs" / trap).mkdir()
            made.append(name)
    return made


def test_p13_a_forged_journal_leads_nowhere(
    folder: Folder,
    outside: Path,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    figure: Figure,
) -> None:
    """Runs, stages, states and reasons with a path in each: no command and no daemon follows one."""
    folder.configure("settle: 0\nstages:\n  merge: {limit: 4}\n  upload: {limit: 4}\n")
    made = recordings(folder, outside)
    commands = [("why",), ("status",), ("history",), ("logs",), ("stop",)]
    for name in made:
        for words in commands:
            told = say(monkeypatch, folder.root, *words, name)
            assert told.code in (0, 69), (name, words, told)
            assert drives_a_terminal(told.out + told.err) == "" and "canary" not in told.out
    folder.ezrec_in("watch", "--once", seconds=90)
    escapes = witness.events() + witness.changes()
    assert escapes == []
    assert all(folder.markers(name) == {".completed"} for name in made)
    figure(
        "P13 forged journals x commands, escapes", f"{len(made)} x {len(commands)}, {len(escapes)}"
    )


def test_p13_a_forged_tell_leads_nowhere(
    folder: Folder, outside: Path, witness: Witness, figure: Figure
) -> None:
    """What is still to be told names a recording, a state and a run: none of them as a path."""
    folder.hook("on_completed", "exit 0\n")
    (folder.root / "hooks" / "on_x").mkdir()
    folder.drop("match", ".done")
    folder.ezrec("watch", "--once")
    tells = folder.root / ".ezrec" / "tells"
    good = {
        "run": "r",
        "recording": "match",
        "state": "completed",
        "origin": "merged",
        "reason": "",
    }
    number = 0
    for path in (spelled(each, outside) for each in PATHS):
        for key in ("run", "recording", "state", "origin"):
            for value in (path, [path], {"x": path}, 5, None):
                number += 1
                told = {**good, "run": f"r{number}", key: value}
                (tells / f"r{number}").write_text(json.dumps(told))
    (tells / "deep").write_text("[" * 4000)
    said = folder.ezrec("watch", "--once").stderr
    escapes = witness.events() + witness.changes()
    assert escapes == [] and "fault in ezrec" not in said
    figure("P13 forged tells, escapes", f"{number}, {len(escapes)}")
