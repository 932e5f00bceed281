"""Whatever stands in a file that ezrec reads: a sentence or nothing, never a traceback, never a hang, and
nothing that drives the terminal of whoever looks."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezrec import document, receipt
from ezrec.capture.session import frames_left
from ezrec.cli.table import table
from ezrec.cli.why import ask
from ezrec.config import Config, load
from ezrec.describe import Describer
from ezrec.errors import ConfigError, DataError
from ezrec.job import Job
from ezrec.pinned import pin_footage
from ezrec.scene import scene_for
from ezrec.statemachine import files, parsing
from ezrec.statemachine.errors import StateMachineError
from ezrec.statemachine.operate import settle
from ezrec.statemachine.sink import Sink
from ezrec.statemachine.snapshot import snapshot
from ezrec.statemachine.view import Scene
from ezrec.station import Station
from ezrec.status import Daemon, daemon_of, recording_json, status_rows
from ezrec.why import answer
from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder
from tests.hostile.commands import drives_a_terminal, say
from tests.hostile.forged import place_of
from tests.hostile.values import TEXTS, VALUES, objects, written

KINDS = ("state", "push", "attempt", "cancel", "ended", "void", "asked", "retry", "other")
KEYS = (
    *("run", "stage", "state", "attempt", "marker", "how", "reason", "by", "content", "from", "to"),
    *("result", "exit", "signal", "ended_by", "seconds", "notes", "delay", "setup", "why", "seq"),
    *("boot", "up", "at"),
)
#: what is likely to be believed, so that the fold gets further than its first check
LIKELY = {
    "state": st.sampled_from(
        ["recorded", "merged", "completed", "failed", "merge_failed", "gone", ""]
    ),
    "to": st.sampled_from(
        ["merged", "completed", "failed", "merge_failed", "idle", "recording", "gone"]
    ),
    "stage": st.sampled_from(["capture", "merge", "upload", "gone"]),
    "run": st.sampled_from(["0" * 32, "1" * 32, "r"]),
    "result": st.sampled_from(
        ["finished", "failed", "postponed", "parked", "interrupted", "cancelled"]
    ),
    "marker": st.sampled_from([".done", ".merged", ".completed", ".error", ".lock", ".gone"]),
}
RECORDS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS)},
    optional={key: LIKELY.get(key, VALUES) | VALUES for key in KEYS},
)
MARKERS = st.sets(
    st.sampled_from([".lock", ".done", ".merged", ".completed", ".error", ".hold"]), max_size=3
)


def examples(short: int, long: bool) -> settings:
    return settings(
        max_examples=short * 50 if long else short,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def scene(folder: Folder) -> Iterator[Scene]:
    """The root, with a recording `a` in it."""
    folder.drop("a")
    made = scene_for(load(None, {"root": str(folder.root)}, {}))
    yield made
    made.root.close()


@pytest.fixture
def directory(scene: Scene) -> Iterator[int]:
    """The recording, open."""
    with scene.root.opened("a") as fd:
        yield fd


def stamped(root: Path, record: Mapping[str, Any]) -> bytes:
    body = written({**record, "dir": place_of(root, "a")})
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


def look(scene: Scene) -> str:
    """All that `status` and `why` say of it, as text, and the JSON on the way."""
    shot = snapshot(scene, "a", whole=True)
    json.loads(json.dumps(recording_json(scene.lifecycle, shot), allow_nan=False))
    daemon = Daemon(running=False)
    rows = status_rows(scene.lifecycle, daemon, [shot])
    return table(("A", "B", "C", "D"), rows, 100) + "\n" + answer(ask(scene, shot, "ezrec"))


def set_markers(place: Path, markers: set[str]) -> None:
    for name in os.listdir(place):
        if name.startswith("."):
            (place / name).unlink()
    for marker in markers:
        (place / marker).touch()


def test_p16_any_journal_can_be_lived_with(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, long: bool, figure: Figure
) -> None:
    """Lines with right checksums and anything in them: looked at, explained, and brought to rest."""
    folder.drop("a")
    tried = 0
    with Station(folder.root) as station:
        world = station.engine.world

        @examples(50, long)
        @given(st.lists(RECORDS, max_size=6), MARKERS)
        def live(records: list[dict[str, Any]], markers: set[str]) -> None:
            nonlocal tried
            tried += 1
            place = folder.root / "a"
            set_markers(place, markers)
            (place / "logs").mkdir(exist_ok=True)
            lines = b"".join(stamped(folder.root, record) for record in records)
            (place / "logs" / "journal").write_bytes(lines)
            assert drives_a_terminal(look(world)) == ""
            if tried % 6 == 0:
                for words in (
                    ("history", "a"),
                    ("history", "a", "--json"),
                    ("status",),
                    ("why", "a"),
                ):
                    told = say(monkeypatch, folder.root, *words)
                    assert told.code == 0 and drives_a_terminal(told.out + told.err) == "", words
            try:
                settle(world, "a")
            except (StateMachineError, OSError):
                pass  # said in a sentence
            assert drives_a_terminal(look(world)) == ""

        live()
    figure("P16 journals by Hypothesis", tried)


PROGRESS = objects("run", "supervisor", "started", "hook", "stage", "percent", "note")
RESULT = objects("run", "exit", "signal", "ended_by", "command", "notes", "survivors", "seconds")


def test_p16_any_progress_and_any_end_of_a_run(folder: Folder, long: bool, figure: Figure) -> None:
    """A hook can write both: what does not fit is not there, and the run is judged all the same."""
    folder.drop("a", ".done")
    run = "0" * 32
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    state = {"kind": "state", "state": "recorded", "marker": ".done"}
    attempt = {"kind": "attempt", "run": run, "stage": "merge", "state": "recorded", "attempt": 1}
    tried = 0
    with Station(folder.root) as station:
        world, logs = station.engine.world, folder.root / "a" / "logs"
        logs.mkdir()

        @examples(40, long)
        @given(PROGRESS, RESULT)
        def live(progress: bytes, result: bytes) -> None:
            nonlocal tried
            tried += 1
            set_markers(folder.root / "a", {".done"})
            lines = [
                stamped(folder.root, {**each, "boot": boot, "up": 1.0}) for each in (state, attempt)
            ]
            (logs / "journal").write_bytes(b"".join(lines))
            (logs / ".progress").write_bytes(
                progress.replace(b'"run": null', f'"run": "{run}"'.encode())
            )
            (logs / f".run-{run}").write_bytes(
                result.replace(b'"run": null', f'"run": "{run}"'.encode())
            )
            assert drives_a_terminal(look(world)) == ""
            settle(world, "a")
            assert drives_a_terminal(look(world)) == ""

        live()
    figure("P16 ends of runs by Hypothesis", tried)


def refuses(call: Callable[[], object], *errors: type[Exception]) -> None:
    """It may be refused, by one of these."""
    try:
        call()
    except errors:
        pass


DOCUMENT = objects(
    "id", "booking_id", "user_id", "seconds", "seconds_before", "footage", "merge", "capture"
)
RECEIPT = objects("url", "path", "key", "size", "sha256", "source", "pending", "run")


def test_hostile_documents_and_receipts(
    directory: int, folder: Folder, long: bool, figure: Figure
) -> None:
    """`recording.json` and `receipt.json`: what a hook is told can be written, what they say is taken with
    care, and what can't be used is a sentence."""
    place = folder.root / "a"
    tried = 0
    describe = Describer(Config(root=folder.root))

    @examples(60, long)
    @given(DOCUMENT, RECEIPT)
    def live(text: bytes, other: bytes) -> None:
        nonlocal tried
        tried += 1
        (place / "recording.json").write_bytes(text)
        (place / "receipt.json").write_bytes(other)
        variables, told = describe(directory, "a")
        assert all("\0" not in value and value.isprintable() for value in variables.values())
        facts = {
            "hook": "capture",
            "stage": "capture",
            "recording_id": "a",
            "recording_dir": "/a",
            "root": "/",
        }
        job = Job.from_json(json.dumps({**facts, **told}, allow_nan=False).encode())
        refuses(lambda: pin_footage(directory), DataError)
        refuses(lambda: frames_left(directory, job, ("0",)), DataError)
        refuses(lambda: document.update(directory, {"merge": {}}), DataError)
        trouble = receipt.check_receipt(directory)
        assert trouble is not None and drives_a_terminal(trouble) == ""

    live()
    figure("documents and receipts by Hypothesis", tried)


JOB = objects(*(key for key in Job.__dataclass_fields__), "options")


def test_hostile_jobs(long: bool, figure: Figure) -> None:
    """What a hook gets on its stdin is a job, or one sentence."""
    tried = 0

    @examples(60, long)
    @given(JOB)
    def live(text: bytes) -> None:
        nonlocal tried
        tried += 1
        refuses(lambda: Job.from_json(text), ConfigError)

    live()
    figure("jobs by Hypothesis", tried)


def test_hostile_parsing(long: bool, figure: Figure) -> None:
    """What is parsed can be written again, as JSON that others read too; the rest is a ValueError."""
    tried = 0

    @examples(100, long)
    @given(VALUES.map(written) | st.binary(max_size=80))
    def live(text: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            value = parsing.parse(text)
        except ValueError as error:
            assert len(str(error)) < 300
            return
        again = json.dumps(value, indent=1, allow_nan=False)
        assert parsing.parse(again.encode()) == value

    live()
    figure("JSON by Hypothesis", tried)


def test_hostile_words_of_the_daemon(
    scene: Scene, folder: Folder, long: bool, figure: Figure
) -> None:
    """`daemon.json` while somebody holds the root: a pid or none, and one of two words."""
    own = folder.root / ".ezrec" / "daemon.json"
    tried = 0
    assert files.try_lock(scene.root.fd)

    @examples(30, long)
    @given(objects("pid", "watching"))
    def live(text: bytes) -> None:
        nonlocal tried
        tried += 1
        own.write_bytes(text)
        told = daemon_of(scene.root)
        assert told.running and (told.pid is None or told.pid >= 0)
        assert told.watching in (None, "inotify", "scanning")

    live()
    figure("daemon.json by Hypothesis", tried)


WORDS = st.sampled_from(
    [b"ezrec:note ", b"ezrec:progress ", b"ezrec:", b"\n", b"\r\n", b"\xff", b"1e400", b"nan"]
)
OUTPUT = st.lists(
    WORDS | st.binary(max_size=30) | TEXTS.map(lambda t: t.encode("utf-8", "surrogatepass"))
)


def test_hostile_output_of_a_hook(tmp_path: Path, long: bool, figure: Figure) -> None:
    """In whatever pieces it comes: notes are short, printable and few, progress is a percentage, and the log
    has every byte."""
    tried = 0

    @examples(80, long)
    @given(OUTPUT)
    def live(pieces: list[bytes]) -> None:
        nonlocal tried
        tried += 1
        path = tmp_path / "log"
        told: list[float] = []
        with path.open("wb") as log:
            sink = Sink(log.fileno(), 1 << 20, told.append)
            for piece in pieces:
                sink.feed(piece)
            sink.close()
        assert path.read_bytes() == b"".join(pieces)
        assert all(note.isprintable() and len(note) <= 300 for note in sink.notes)
        assert len(sink.notes) <= 20 and all(0 <= percent <= 100 for percent in told)

    live()
    figure("outputs of hooks by Hypothesis", tried)


NAMES = st.sampled_from(
    ["EZREC_SETTLE", "EZREC_CAMERAS", "EZREC_UPLOAD_TO", "EZREC_HOOKS_PATH", "USER_ID"]
)
VARIABLES = st.dictionaries(NAMES | TEXTS.filter(lambda t: t and "=" not in t), TEXTS, max_size=5)


def test_hostile_environments(tmp_path: Path, long: bool, figure: Figure) -> None:
    """Any environment and any `.env` beside it: a configuration, or sentences that drive no terminal."""
    tried = 0

    @examples(50, long)
    @given(VARIABLES, VARIABLES, st.binary(max_size=60))
    def live(environ: dict[str, str], dotenv: dict[str, str], junk: bytes) -> None:
        nonlocal tried
        tried += 1
        lines = [
            f"{name}={value}\n".encode("utf-8", "surrogatepass") for name, value in dotenv.items()
        ]
        (tmp_path / ".env").write_bytes(b"".join(lines) + junk)
        refuses(lambda: load(None, {"root": str(tmp_path)}, environ), ConfigError)

    live()
    figure("environments by Hypothesis", tried)


ESCAPES = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \r over \u202e \x7f \b"


def test_p16_no_terminal_is_driven_by_what_was_written(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """Reasons, notes, holds, logs, names of logs and of hooks full of escapes: by the daemon on stderr and
    by every command on a terminal, they are shown and not obeyed; a log that is piped is as it was."""
    folder.configure("settle: 0\nstages:\n  merge: {attempts: 1}\n")
    bad = ESCAPES.encode("utf-8", "surrogateescape")
    (folder.site / "bad").write_bytes(bad)
    folder.hook(
        "merge.sh", 'cat "$site/bad"; printf "\\nezrec:note %s\\n" "$(cat "$site/bad")"; exit 65\n'
    )
    extra = folder.hook("upload.d/x", "exit 0\n")
    extra.rename(extra.with_name("\x1b[31mx"))
    for name in ("a", "b"):
        folder.drop(name, ".done")
    (folder.root / "b" / ".hold").write_bytes(bad)
    folder.ezrec("push", "a", "recorded", "--reason", ESCAPES)
    said = folder.ezrec("watch", "--once", code=None).stderr
    assert "red" in said and drives_a_terminal(said) == ""
    (folder.root / "a" / "logs" / "\x1b[31m.log").write_bytes(bad)
    commands: list[tuple[str, ...]] = [("status",), ("hooks",), ("graph",)]
    commands += [(word, name) for word in ("why", "history", "logs") for name in ("a", "b")]
    commands += [
        ("logs", "a", "\x1b[31m"),
        ("logs", "a", "\x1bno"),
        ("push", "a", "\x1bno"),
        ("\x1bno",),
    ]
    shown, driven = 0, []
    for words in commands:
        told = say(monkeypatch, folder.root, *words)
        driven += [words] if drives_a_terminal(told.out + told.err) else []
        shown += "red" in told.out
    assert driven == []
    assert shown >= 4
    assert bad in folder.site.joinpath("root/a/logs/merge.log").read_bytes()
    assert ESCAPES.split("\r")[0] in folder.ezrec("logs", "a", "merge").stdout
    figure(
        "P16 commands that showed escapes, terminals driven",
        f"{shown} of {len(commands)}, {len(driven)}",
    )
