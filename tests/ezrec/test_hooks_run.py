"""Hooks through the real daemon: every way to end, what they are given, and who is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ezrec.statemachine import journal
from ezrec.statemachine.root import Root
from ezrec.statemachine.tells import Tells
from tests.ezrec.station_fixture import Folder
from tests.waiting import wait_until

QUICK = "scan_every: 0.5 s\nstages: {merge: {attempts: 2, backoff: 0.05 s}}\n"


def note(folder: Folder, name: str, marker: str) -> dict[str, Any]:
    """The report in an error marker."""
    told = json.loads((folder.root / name / marker).read_text())
    assert isinstance(told, dict)
    return told


def results(folder: Folder, name: str) -> list[str]:
    return [line["result"] for line in folder.journal(name, "ended")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("kill -SEGV $$\n", "killed by SIGSEGV"),
        ("echo 'ezrec:note no light'; exit 3\n", "merge.sh exited 3: no light"),
        ("exit 0\n", "merge exited 0 without its output merged.mp4"),
        ("echo garbage > merged.mp4\n", "merged.mp4 is no sound video: it is "),
        ("mkfifo -m 644 merged.mp4 2> /dev/null; :\n", "an output of merge can't be read"),
    ],
)
def test_a_hook_that_fails_is_tried_again_and_then_given_up(
    folder: Folder, body: str, words: str
) -> None:
    """Crashed, failed, or said 0 without a sound output: `.merge_error` after its attempts, with the
    reason in it. The footage stays."""
    folder.configure(QUICK)
    folder.hook("merge.sh", body)
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
    assert words in note(folder, "match", ".merge_error")["reason"]
    assert results(folder, "match") == ["failed", "failed"]
    assert len(folder.calls("start", "merge")) == 2


@pytest.mark.parametrize(
    ("receipt", "words"),
    [("{}", "nothing was uploaded"), ('{"size": 1}', "receipt.json is incomplete")],
)
def test_an_upload_without_a_sound_receipt_completes_nothing(
    folder: Folder, receipt: str, words: str
) -> None:
    """The hook says 0 and leaves a receipt that says nothing of this video: it is tried again."""
    folder.hook("upload.sh", f"echo '{receipt}' > receipt.json\n")
    with folder.daemon():
        folder.drop("match", ".merged", files=["camera_0.mp4", "merged.mp4"])
        folder.wait_for_call("start", "upload", times=2)
        assert ".completed" not in folder.markers("match")
    assert words in folder.journal("match", "ended")[0]["reason"]


def test_p09_a_hook_that_hangs_is_ended(folder: Folder) -> None:
    """It ignores TERM and has children that do: gone after limit and grace."""
    folder.configure("stages: {merge: {attempts: 1, timeout: 0.5 s, grace: 0.2 s}}")
    folder.hook("merge.sh", "trap '' TERM; (sleep 300; :) & while :; do sleep 300; done\n")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
        assert folder.processes() == []
    assert "time limit" in note(folder, "match", ".merge_error")["reason"]


def test_a_hook_that_refuses_is_not_tried_again(folder: Folder) -> None:
    """Exit 65: `.error` after one attempt."""
    folder.hook("merge.sh", "echo 'ezrec:note all black'; exit 65\n")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".error")
    assert note(folder, "match", ".error")["reason"] == "all black"
    assert results(folder, "match") == ["refused"]


def test_a_hook_that_says_not_now_is_not_counted(folder: Folder) -> None:
    """Exit 75, more often than there are attempts: the wait doubles, the count stays at 1."""
    folder.configure("stages: {merge: {attempts: 2, backoff: 0.02 s}}")
    later = '[ $(grep -c "^end merge" "$site/calls") -ge 5 ] || exit 75\n'
    folder.hook("merge.d/10-later.sh", later)
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
    ended = [line for line in folder.journal("match", "ended") if line["result"] == "postponed"]
    assert len(ended) == 4
    assert all(0.75 <= line["delay"] / (0.02 * 2**n) <= 1.25 for n, line in enumerate(ended))
    attempts = [line["attempt"] for line in folder.journal("match", "attempt")]
    assert attempts == [1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("code", [78, 126, 127])
def test_a_hook_whose_set_up_is_wrong_is_parked_until_it_changes(folder: Folder, code: int) -> None:
    """Said loudly, not tried again; a mended hook sets it off by itself within a scan."""
    folder.configure(QUICK)
    merge = (folder.root / "hooks" / "merge.sh").read_text()
    folder.hook("merge.sh", f"echo 'ezrec:note no key'; exit {code}\n")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        wait_until(lambda: daemon.said("match: merge is parked: no key"))
        folder.drop("other", ".completed")
        assert folder.row("match")["reason"] == "parked: no key"
        folder.hook("merge.sh", merge)
        folder.wait_for("match", ".completed")
    assert results(folder, "match") == ["parked", "finished", "finished"]
    assert [line["attempt"] for line in folder.journal("match", "attempt")][:2] == [1, 1]


def test_a_parked_recording_is_tried_on_retry(folder: Folder) -> None:
    """What was wrong lay outside hook and configuration: `ezrec retry`."""
    mended = folder.site / "mended"
    folder.hook("merge.d/10-key.sh", f"[ -e {mended} ] || exit 78\n")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        wait_until(lambda: daemon.said("merge is parked"))
        mended.touch()
        folder.ezrec("retry", "match")
        folder.wait_for("match", ".completed")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "no hook serves 'review'"),
        (lambda path: path.chmod(0o644), "is not executable"),
        (lambda path: path.write_bytes(b"#!/bin/sh\r\nexit 0\r\n"), "Windows line ends"),
        (lambda path: path.write_text("#!/no/such/sh\n"), "is not there"),
        (lambda path: path.write_text("exit 0\n"), "begin it with #!/bin/sh"),
    ],
)
def test_a_hook_that_can_not_be_run_is_named_with_its_mend(
    folder: Folder, spoil: Any, words: str
) -> None:
    """Missing, not executable, CRLF, no interpreter: parked without an attempt; mended, it goes on."""
    folder.configure("scan_every: 0.5 s\nstages: {review: {after: merged, to: reviewed}}")
    spoil(folder.hook("review.sh", "say end\n"))
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        wait_until(lambda: daemon.said("review is parked"))
        assert words in folder.row("match")["reason"]
        folder.hook("review.sh", "say end\n")
        folder.wait_for("match", ".completed")
    assert len(folder.calls("end", "review")) == 1


def test_attempts_are_counted_over_restarts(folder: Folder) -> None:
    """Each attempt in another daemon: three are made in all, and the backoff is kept."""
    folder.configure("stages: {merge: {attempts: 3, backoff: 0.05 s}}")
    folder.hook("merge.sh", "exit 1\n")
    folder.drop("match", ".done")
    for number in (1, 2):
        with folder.daemon() as daemon:
            wait_until(lambda n=number: len(folder.journal("match", "ended")) >= n)  # type: ignore[misc]
            daemon.kill()
    with folder.daemon():
        folder.wait_for("match", ".merge_error")
    assert [line["attempt"] for line in folder.journal("match", "attempt")] == [1, 2, 3]
    assert len(folder.calls("start", "merge")) == 3


def test_p10_a_hook_that_kills_the_daemon_is_given_up(folder: Folder) -> None:
    """Each attempt kills the daemon and its own supervisor: attempts used = attempts allowed."""
    folder.configure("stages: {merge: {attempts: 2, backoff: 0.05 s}}")
    folder.hook("merge.sh", 'kill -9 $(cat "$site/pid") $PPID; sleep 300\n')
    folder.drop("match", ".done")
    for _ in range(2):
        with folder.daemon(wait=False) as daemon:
            (folder.site / "pid").write_text(str(daemon.process.pid))
            assert daemon.wait() == -9
    with folder.daemon():
        folder.wait_for("match", ".merge_error")
        assert folder.processes() == []
    assert len(folder.calls("start", "merge")) == 2


def test_hooks_of_name_d_run_in_order_after_the_hook(folder: Folder) -> None:
    """`merge.d/*` by name; one that fails fails the attempt, the rest are not run."""
    folder.configure(QUICK)
    folder.hook("merge.d/20-second.sh", "say second\n[ -e ../../mended ] || exit 1\n")
    folder.hook("merge.d/10-first.sh", "say first\n")
    folder.hook("merge.d/30-third.sh", "say third\n")
    with folder.daemon():
        folder.drop("match", ".done")
        folder.wait_for("match", ".merge_error")
        (folder.site / "mended").touch()
        (folder.root / "match" / ".merge_error").unlink()
        folder.wait_for("match", ".completed")
    told = [call.what for call in folder.calls(hook="merge") if call.what != "start"]
    assert told == [*["end", "first", "second"] * 3, "third"]


def test_p14_secrets_are_given_only_where_they_are_named(folder: Folder) -> None:
    """From the daemon's environment and from `.env`: to `upload`, which names them, and nobody else."""
    folder.configure("stages: {upload: {secrets: [NAS_TOKEN, NAS_USER]}}")
    (folder.root / ".env").write_text("NAS_USER=canary-two\n")
    dump = 'tr "\\0" "\\n" < /proc/$$/environ > "$site/$EZREC_HOOK.env"\n'
    for stage in ("capture", "merge", "upload"):
        hook = folder.root / "hooks" / f"{stage}.sh"
        folder.hook(f"{stage}.sh", dump_first(hook.read_text(), dump))
    folder.hook("on_completed.sh", dump)
    with folder.daemon(environment={"NAS_TOKEN": "canary-one"}):
        folder.drop("match", ".lock", files=[])
        folder.wait_for("match", ".completed")
        wait_until(lambda: (folder.site / "on_completed.env").exists())
    given = {path.stem: path.read_text() for path in folder.site.glob("*.env")}
    assert set(given) == {"capture", "merge", "upload", "on_completed"}
    assert (
        "NAS_TOKEN=canary-one\n" in given["upload"] and "NAS_USER=canary-two\n" in given["upload"]
    )
    assert all("canary" not in text for name, text in given.items() if name != "upload")
    told = [path for path in (folder.root / "match").rglob("*") if path.is_file()]
    assert not [path for path in told if b"canary" in path.read_bytes()]


def dump_first(text: str, dump: str) -> str:
    head, said, rest = text.partition("say start\n")
    return head + said + dump + rest


def test_the_hook_contract(folder: Folder) -> None:
    """Working directory, environment and document are what the design says, no more and no less."""
    hook = folder.root / "hooks" / "merge.sh"
    dump = (
        'tr "\\0" "\\n" < /proc/$$/environ > "$site/env"; cat > "$site/stdin"; pwd > "$site/pwd"\n'
    )
    folder.hook("merge.sh", dump_first(hook.read_text(), dump))
    place = folder.drop("2026-11-23/match", ".done")
    document = {"id": "x", "booking_id": "b-17", "user_id": "u-4", "more": {"court": 3}}
    (place / "recording.json").write_text(json.dumps(document))
    with folder.daemon(environment={"SECRET": "canary"}):
        folder.wait_for("2026-11-23/match", ".completed")
    run = folder.calls("start", "merge")[0].run
    lines = (folder.site / "env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines)
    own = {key.removeprefix("EZREC_"): v for key, v in given.items() if key.startswith("EZREC_")}
    assert set(given) - {f"EZREC_{key}" for key in own} <= {"PATH", "HOME", "LANG", "TZ"}
    assert own == {
        "HOOK": "merge",
        "STAGE": "merge",
        "STATE": "recorded",
        "RECORDING_ID": "2026-11-23/match",
        "RECORDING_DIR": str(place),
        "ROOT": str(folder.root),
        "ATTEMPT": "1",
        "MAX_ATTEMPTS": "3",
        "BOOKING_ID": "b-17",
        "USER_ID": "u-4",
        "CAMERA_IDS": "0 1",
        "CONFIG": str(folder.root / "ezrec.yaml"),
        "RUN_ID": run,
    }
    told = json.loads((folder.site / "stdin").read_text())
    listed = {key.lower(): value for key, value in own.items()}
    listed |= {"attempt": 1, "max_attempts": 3, "camera_ids": ["0", "1"]}  # type: ignore[dict-item]
    assert {key: told[key] for key in listed} == listed
    assert told["recording"] == document
    assert (folder.site / "pwd").read_text().strip() == str(place)
    assert re.fullmatch("[0-9a-f]{32}", run)


def test_on_state_hooks_are_told(folder: Folder) -> None:
    """Of each state that has a hook; what they return changes nothing."""
    folder.hook("on_recorded.sh", "exit 65\n")
    folder.hook("on_completed.sh", "cat > told; say end; exit 1\n")
    with folder.daemon():
        place = folder.drop("match", ".done")
        folder.wait_for("match", ".completed")
        folder.wait_for_call("end", "on_completed")
    assert json.loads((place / "told").read_text())["from_state"] == "uploading"
    assert len(folder.calls("start", "on_recorded")) == 1
    assert folder.states("match") == ["recorded", "merged", "completed"]


def test_on_state_hooks_are_told_of_a_push(folder: Folder) -> None:
    """A state that an operator forces is told of, too."""
    folder.hook("on_failed.sh", "say end\n")
    with folder.daemon():
        folder.drop("match", ".done", ".hold")
        folder.ezrec("push", "match", "failed")
        folder.wait_for_call("end", "on_failed")


def test_an_on_state_hook_is_told_though_the_daemon_dies(folder: Folder) -> None:
    """The daemon is killed between the state and its telling: the next one tells it, at least once."""
    folder.drop("match", ".done")
    folder.ezrec("watch", "--once")
    folder.hook("on_completed.sh", "say end\n")
    root = Root(folder.root)
    Tells(root).add("match", "completed", "uploading", "")
    Tells(root).add("match", "merged", "merging", "")
    root.close()
    with folder.daemon():
        folder.wait_for_call("end", "on_completed")
        wait_until(lambda: list((folder.root / ".ezrec" / "tells").iterdir()) == [])
    assert len(folder.calls("start", "on_completed")) == 1


def test_p03_a_state_that_can_not_be_read_of_at_the_start_is_told_later(folder: Folder) -> None:
    """Only what never came true is crossed off: an unreadable journal (two links) says neither."""
    place = folder.drop("match", ".done")
    folder.ezrec("watch", "--once")
    folder.hook("on_completed.sh", "say end\n")
    root = Root(folder.root)
    Tells(root).add("match", "completed", "uploading", "")
    root.close()
    (folder.site / "second").hardlink_to(place / "logs" / "journal")
    with folder.daemon() as daemon:
        wait_until(lambda: daemon.said("match: on_completed is told later"))
    (folder.site / "second").unlink()
    with folder.daemon():
        folder.wait_for_call("end", "on_completed")


def test_an_on_state_hook_is_told_though_the_journal_does_not_know_yet(folder: Folder) -> None:
    """The daemon is killed between the rename of the marker and the line of the journal."""
    place = folder.drop("match", ".done")
    folder.ezrec("watch", "--once")
    folder.hook("on_completed.sh", "say end\n")
    root = Root(folder.root)
    Tells(root).add("match", "completed", "uploading", "")
    root.close()
    book = place / journal.DIRECTORY / journal.NAME
    *lines, last = book.read_bytes().splitlines(keepends=True)
    assert journal.decode(last)[0]["state"] == "completed"
    book.write_bytes(b"".join(lines))
    with folder.daemon():
        folder.wait_for_call("end", "on_completed")
        wait_until(lambda: list((folder.root / ".ezrec" / "tells").iterdir()) == [])
    assert len(folder.calls("start", "on_completed")) == 1


def test_an_on_state_hook_is_told_of_a_state_that_was_left_again(folder: Folder) -> None:
    """What starts hooks was out of order for a while: the next daemon tells of it, though the recording
    has gone on; not of what was never reached."""
    folder.drop("match", ".done")
    folder.ezrec("watch", "--once")
    for state in ("merged", "failed"):
        folder.hook(f"on_{state}.sh", "say end\n")
    root = Root(folder.root)
    Tells(root).add("match", "merged", "merging", "")
    Tells(root).add("match", "failed", "merging", "")
    root.close()
    with folder.daemon():
        folder.wait_for_call("end", "on_merged")
        wait_until(lambda: list((folder.root / ".ezrec" / "tells").iterdir()) == [])
    assert folder.calls("start", "on_failed") == []


def test_a_reason_of_any_characters_can_be_told(folder: Folder) -> None:
    """The longest that is written down is not too long to be read."""
    root = Root(folder.root)
    told = Tells(root).add("match", "merged", "merging", "\N{MOVIE CAMERA}" * 600)
    assert Tells(root).waiting() == [told]
    root.close()


def test_a_burst_of_states_is_told_by_a_few_hooks_at_once(folder: Folder) -> None:
    """Each of twenty is told, eight at a time: a thousand drops are not a thousand processes."""
    folder.hook("on_recorded.sh", "gate; say end\n")
    folder.close_gate("on_recorded")
    for number in range(20):
        folder.drop(f"match-{number}", ".done")
    with folder.daemon():
        wait_until(lambda: len(folder.calls("end", "upload")) == 20, 60)
        assert len(folder.calls("start", "on_recorded")) == 8
        folder.open_gate("on_recorded")
        folder.wait_for_call("end", "on_recorded", times=20)
        wait_until(lambda: list((folder.root / ".ezrec" / "tells").iterdir()) == [])
    assert len(folder.calls("start", "on_recorded")) == 20


def test_an_on_state_hook_outlives_the_daemon(folder: Folder) -> None:
    """Killed while the hook is running: told once more at most, never less than once."""
    folder.hook("on_completed.sh", "gate; say end\n")
    folder.close_gate("on_completed")
    with folder.daemon() as daemon:
        folder.drop("match", ".done")
        folder.wait_for_call("start", "on_completed")
        daemon.kill()
    with folder.daemon():
        folder.open_gate("on_completed")
        folder.wait_for_call("end", "on_completed")
        wait_until(lambda: list((folder.root / ".ezrec" / "tells").iterdir()) == [])
    assert 1 <= len(folder.calls("end", "on_completed")) <= 2


def test_a_site_hook_in_python_is_isolated_from_what_lies_beside_the_footage(
    folder: Folder,
) -> None:
    """A dropped `json.py` is not imported by a Python hook."""
    (folder.root / "hooks" / "merge.sh").unlink()
    body = "import json, shutil\nshutil.copy('../../tiny.mp4', 'merged.mp4')\n"
    (folder.root / "hooks" / "merge.py").write_text(body)
    place = folder.drop("match", ".done")
    (place / "json.py").write_text("raise SystemExit(65)")
    with folder.daemon():
        folder.wait_for("match", ".completed")
