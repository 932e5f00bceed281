"""Bad input gets a sentence, not a traceback; the exit code says whose fault it is; nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from ezrec.cli.boundary import sentence
from tests.ezrec.command_line import BIN, PLAIN, Site
from tests.waiting import wait_until

COMMANDS = (
    "watch --once",
    "status",
    "why a",
    "push a recorded",
    "retry a",
    "hold a",
    "release a",
    "stop a",
    "new b",
    "history a",
    "logs a",
    "hooks",
)


def check_refused(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """One sentence and at most one hint on stderr, nothing on stdout."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    first, *more = done.stderr.splitlines()
    assert first.startswith("ezrec: ") and len(more) <= 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_root_that_does_not_exist(site: Site, command: str) -> None:
    """It is not made in passing: a disk that is not mounted must not be papered over."""
    absent = site.root.parent / "absent"
    done = site.ezrec("--root", str(absent), *command.split(), rooted=False)
    check_refused(done, 69, f"the root {absent} does not exist")
    assert not absent.exists()


def test_a_working_directory_that_was_removed(site: Site) -> None:
    """A relative path means nothing there, and what is said of it is a sentence all the same."""
    gone = site.root.parent / "gone"
    gone.mkdir()
    site.prefix = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh"]
    done = site.ezrec("--root", "../absent", "status", rooted=False, cwd=gone)
    check_refused(done, 69, "the root /../absent does not exist")


@pytest.mark.parametrize("command", ["status", "watch --once", "new b"])
def test_a_root_that_is_a_file(site: Site, command: str) -> None:
    """Named as what it is."""
    file = site.root.parent / "file"
    file.write_text("mine")
    done = site.ezrec("--root", str(file), *command.split(), rooted=False)
    check_refused(done, 69, "is no directory")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("command", ["status", "watch --once", "new b", "why ."])
def test_a_directory_that_is_no_root(site: Site, command: str) -> None:
    """Nothing is written into somebody's directory."""
    other = site.root.parent / "other"
    other.mkdir()
    done = site.ezrec("--root", str(other), *command.split(), rooted=False)
    check_refused(done, 69, "it has no .ezrec-root")
    assert "ezrec init" in done.stderr and list(other.iterdir()) == []


def test_no_root_at_all(site: Site) -> None:
    """What to say, in one line."""
    check_refused(site.ezrec("status", rooted=False), 78, "no recordings root is named")


def test_an_empty_root_is_no_root(site: Site) -> None:
    """`--root "$UNSET"` must not fall back to another root."""
    done = site.ezrec(
        "--root", "", "status", rooted=False, variables={"EZREC_ROOT": str(site.root)}
    )
    assert (done.returncode, done.stdout) == (2, "")


_MOUNTED = """
set -eu
mount -t tmpfs -o size={size} none {root}
cp -r {saved}/. {root}
{then}
set +e
for words in {commands}; do
    {ezrec} --root {root} $words >>{out} 2>>{err}; echo "$words: $?" >>{codes}
done
cp -r {root}/. {after}
"""


def in_a_mount(site: Site, size: str, then: str, commands: tuple[str, ...]) -> dict[str, str]:
    """Run commands on a root that is a tmpfs of its own, in a mount namespace of its own.

    Returns their exit codes, what they said, and what stood in `a` afterwards. As an ordinary user the
    namespace is a user namespace too.
    """
    parent = site.root.parent
    saved, after = parent / "saved", parent / "after"
    site.root.rename(saved)
    site.root.mkdir()
    after.mkdir()
    script = _MOUNTED.format(
        size=size,
        root=shlex.quote(str(site.root)),
        saved=saved,
        then=then,
        commands=" ".join(shlex.quote(command) for command in commands),
        ezrec=BIN / "ezrec",
        out=parent / "out",
        err=parent / "err",
        codes=parent / "codes",
        after=after,
    )
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    subprocess.run(
        ["unshare", *own, "-m", "bash", "-c", script],
        check=True,
        cwd=parent,
        env=site.environment(),
        timeout=60,
    )
    assert "Traceback" not in (parent / "err").read_text()
    told = {name: (parent / name).read_text() for name in ("codes", "err")}
    return told | {"left": " ".join(sorted(os.listdir(after / "a")))}


def may_mount() -> bool:
    """Whether this machine lets us mount in a namespace of our own; a container may not."""
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *own, "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def check_sentence(number: int, words: str) -> None:
    """What stands in where nothing may be mounted: the sentence that this error is turned into."""
    assert words in sentence(OSError(number, os.strerror(number), "a/.done"))


def test_a_root_that_is_read_only(site: Site) -> None:
    """Reading goes on; what would write says why it can't, and how that is mended.

    Where nothing may be mounted, the boundary's sentence for EROFS stands in.
    """
    if not may_mount():
        check_sentence(errno.EROFS, "mount it read-write")
        return
    site.footage()
    reading = ("status", "why a", "history a", "stop a")
    writing = ("watch --once", "new b", "push a recorded", "hold a")
    then = f"mount -o remount,ro {shlex.quote(str(site.root))}"
    told = in_a_mount(site, "2m", then, (*reading, *writing))
    assert told["codes"].splitlines() == [
        *(f"{command}: 0" for command in reading),
        *(f"{command}: 69" for command in writing),
    ]
    assert told["err"].count("mount it read-write") == len(writing)
    assert told["left"] == "camera_0.mp4"


def test_a_root_that_is_full(site: Site) -> None:
    """Nothing is claimed that could not be written, and nothing is lost.

    Where nothing may be mounted, the boundary's sentence for ENOSPC stands in.
    """
    if not may_mount():
        check_sentence(errno.ENOSPC, "the disk is full: make room, nothing was lost")
        return
    site.footage()
    commands = ("status", "why a", "new b", "push a recorded", "hold a", "new b")
    fill = f"head -c 4M /dev/zero >{shlex.quote(str(site.root / 'fill'))} 2>/dev/null || true"
    told = in_a_mount(site, "512k", fill, commands)
    codes = [line.rpartition(" ")[2] for line in told["codes"].splitlines()]
    assert codes == ["0", "0", "69", "69", "69", "69"]
    assert told["err"].count("the disk is full: make room, nothing was lost") == 4
    assert set(told["left"].split()) <= {"camera_0.mp4", "logs"}
    assert (
        site.root.parent / "after" / "a" / "camera_0.mp4"
    ).read_bytes() == site.clip.read_bytes()


FAULTS = """\
settle: soon
colour: blue
cameras: []
merge:
  layout: diagonal
stages:
  merge: {attempts: none}
"""


@pytest.mark.parametrize(
    "command", ["watch --once", "push a recorded", "retry a", "hooks", "graph"]
)
def test_a_configuration_with_five_mistakes(site: Site, command: str) -> None:
    """All five at once, each with file, line and key."""
    site.configure(FAULTS)
    done = site.ezrec(*command.split())
    assert (done.returncode, done.stdout) == (78, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 5 and all(line.startswith("ezrec: ezrec.yaml:") for line in lines)
    for number, key in (
        (1, "settle"),
        (2, "colour"),
        (3, "cameras"),
        (5, "merge.layout"),
        (7, "stages.merge.attempts"),
    ):
        assert any(f"ezrec.yaml:{number}: {key}:" in line for line in lines), (number, key, lines)


ALWAYS = ("status", "why a", "history a", "logs a", "stop a", "hold a", "release a", "new b")


@pytest.mark.parametrize("command", ALWAYS)
def test_a_configuration_with_mistakes_stops_nobody_from_looking_and_stopping(
    site: Site, command: str
) -> None:
    """The daemon goes on with the old one, and whoever stands at the keyboard has to be able to look,
    hold and stop: they are told in one line that the defaults hold."""
    site.footage()
    site.configure(FAULTS)
    done = site.ezrec(*command.split())
    first, *more = done.stderr.splitlines()
    assert done.returncode == 0 and "ezrec: warning: 5 problems in the configuration" in first
    assert "ezrec.yaml:1: settle" in first and "defaults" in first
    assert not any("problem" in line for line in more)


def test_a_configuration_with_mistakes_that_alone_knows_the_root(
    site: Site, tmp_path: Path
) -> None:
    """The root that it names is believed; where it names none, there is nothing to look at."""
    site.footage()
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(f"root: {site.root}\nsettle: soon\n")
    done = site.ezrec("--config", str(elsewhere), "why", "a", rooted=False)
    assert done.returncode == 0 and "a is idle" in done.stdout and "settle" in done.stderr
    elsewhere.write_text("settle: soon\n")
    check_refused(site.ezrec("--config", str(elsewhere), "status", rooted=False), 78, "settle")


def test_stop_with_a_configuration_that_lost_its_stages(site: Site) -> None:
    """A stage of the site's own runs, and the file is broken meanwhile: it can be stopped all the same,
    and goes on when the file is mended."""
    site.configure(PLAIN + "  review: {after: merged, to: reviewed}\n")
    site.hook("review", "#!/bin/sh\n[ -e approved ] || exec sleep 60\n")
    site.footage().joinpath(".done").touch()
    with site.daemon():
        wait_until(lambda: site.shot().state == "reviewing" and site.minded(), 30)
        site.configure(FAULTS)
        done = site.ezrec("stop", "a")
        assert "review is told to stop" in done.stdout and "warning" in done.stderr
        wait_until(lambda: not site.running(), 30)
        site.configure(PLAIN + "  review: {after: merged, to: reviewed}\n")
        site.path("a", "approved").touch()
        site.ezrec("release", "a")
        site.wait("completed")


NAMES = (
    "two words",
    "line\nbreak",
    "\x1b]0;title\x07",
    "-rf",
    "quo'te",
    "$(touch pwned)",
    "dot.",
    "2026-11-23-",
    "ünïcode",
    "x" * 65,
)


def test_directories_with_hostile_names(site: Site) -> None:
    """Each is shown, escaped, with a command that really mends it; the station goes on."""
    site.footage("good")
    for name in NAMES:
        site.path(name).mkdir()
    os.mkdir(os.fsencode(site.root) + b"/\xff\xfe")
    told = site.ezrec("status").stdout
    assert "\x1b" not in told and "\x07" not in told and "line\\nbreak" in told
    before, _, mends = told.partition("To mend what can't be taken:\n")
    assert "good" in before
    refused = [name for name in (*NAMES, "bad bytes") if name not in ("dot.", "2026-11-23-")]
    assert len(mends.splitlines()) == len(refused)
    for command in mends.splitlines():
        site.shell(command.strip())
    told = site.ezrec("status").stdout
    assert "refused" not in told
    rows = json.loads(site.ezrec("status", "--json").stdout)["recordings"]
    assert len(rows) == len(NAMES) + 2 and all(row["state"] == "idle" for row in rows)
    assert not site.path("pwned").exists() and not Path("/pwned").exists()


IDS = ("..", ".", "a/../..", "/etc", "two words", "-x", "a\nb", "\x1b[31m", "", "x" * 65, "a/b/c")
RESERVED = ("hooks", "archive", "2026-11-23", "2026-11-23/2026-11-24")


@pytest.mark.parametrize("name", [*IDS, *RESERVED])
def test_new_with_an_id_that_is_none(site: Site, name: str) -> None:
    """Refused, never cleaned; nothing is made."""
    before = sorted(os.listdir(site.root))
    done = site.ezrec("new", "--", name)
    check_refused(done, 65, "ezrec: ")
    assert "\x1b" not in done.stderr
    left = [each for each in os.listdir(site.root) if each != ".ezrec"]
    assert sorted(left) == [each for each in before if each != ".ezrec"]


def test_new_where_one_is(site: Site) -> None:
    """A recording that is there is not touched."""
    site.footage()
    done = site.ezrec("new", "a", "--booking-id", "7")
    check_refused(done, 65, "there is a recording 'a' already")
    assert os.listdir(site.path("a")) == ["camera_0.mp4"]


@pytest.mark.parametrize("value", ["a\nb", "", "x" * 201])
def test_new_with_a_booking_that_is_none(site: Site, value: str) -> None:
    """What hooks would be told in their environment has to be printable."""
    check_refused(site.ezrec("new", "a", "--booking-id", value), 65, "booking_id")
    assert not site.path("a").exists()


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "soon"])
def test_new_with_a_length_that_is_none(site: Site, value: str) -> None:
    """A usage error, and nothing is made."""
    done = site.ezrec("new", "a", f"--seconds={value}")
    assert (done.returncode, done.stdout) == (2, "") and "--seconds" in done.stderr
    assert not site.path("a").exists()


DOCUMENTS = {
    "deep": b"[" * 100_000,
    "deep-object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "large": b'{"booking_id": "' + b"x" * 10_000_000 + b'"}',
    "no-json": b"\x00\xff not JSON",
    "a-list": b"[1, 2]",
    "wrong-types": b'{"id": 7, "booking_id": ["x"], "user_id": {"y": 1}, "seconds": "many"}',
    "control": b'{"booking_id": "a\\nLD_PRELOAD=x", "user_id": "\\u0000"}',
    "infinite": b'{"seconds": 1e999, "n": NaN}',
}


def test_hostile_recording_json(site: Site) -> None:
    """None stops a look or the work: the footage is merged and archived, and is still there."""
    for name, document in DOCUMENTS.items():
        site.footage(name).joinpath("recording.json").write_bytes(document)
        site.path(name, ".done").touch()
    for words in (["status"], ["why", "deep"], ["why", "large"], ["watch", "--once"]):
        done = site.ezrec(*words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    for name in DOCUMENTS:
        assert site.state(name) == "completed", site.why(name)
        assert site.path(name, "camera_0.mp4").read_bytes() == site.clip.read_bytes()


def test_a_recording_json_that_is_a_fifo(site: Site) -> None:
    """It is not waited for."""
    site.footage()
    os.mkfifo(site.path("a", "recording.json"))
    site.ezrec("push", "a", "recorded")
    site.once()
    assert site.state() in ("completed", "recorded", "merged", "failed")
    assert site.path("a", "camera_0.mp4").exists()


JOURNALS = {"garbage": b"garbage\n\x00\xff", "deep": b"[" * 5000 + b"\n", "empty": b""}


def test_a_journal_that_is_none(site: Site) -> None:
    """Without its journal a recording still has its state."""
    for name, journal in JOURNALS.items():
        site.footage(name).joinpath("logs").mkdir()
        site.path(name, "logs", "journal").write_bytes(journal)
        site.path(name, ".done").touch()
        assert site.ezrec("history", name).returncode == 0
        assert site.state(name) == "recorded"
    assert site.once() == 0
    assert {site.state(name) for name in JOURNALS} == {"completed"}


def test_a_marker_with_a_gigabyte_in_it(site: Site) -> None:
    """Names are for the machine: it is never read."""
    site.footage()
    with site.path("a", ".done").open("wb") as marker:
        marker.truncate(1 << 30)
    site.ezrec("why", "a")
    assert (site.once(), site.state()) == (0, "completed")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("absent", "put an executable called review into"),
        ("not-executable", "chmod +x"),
        ("crlf", "Windows line ends"),
        ("no-interpreter", "is not there"),
        ("no-first-line", "begin it with #!/bin/sh"),
    ],
)
def test_a_hook_that_can_not_run(site: Site, trouble: str, words: str) -> None:
    """Named by `hooks --check` before anything is tried, and by `why`; the recording waits."""
    site.configure(PLAIN + "  review: {after: merged, to: reviewed}\n")
    if trouble != "absent":
        text = {
            "crlf": "#!/bin/sh\r\n",
            "no-interpreter": "#!/no/such\n",
            "no-first-line": "true\n",
        }
        hook = site.hook("review", text.get(trouble, "#!/bin/sh\n"))
        hook.chmod(0o644 if trouble == "not-executable" else 0o755)
    done = site.ezrec("hooks", "--check")
    assert done.returncode == 78 and words in done.stdout
    site.footage()
    site.ezrec("push", "a", "recorded")
    assert (site.once(), site.state()) == (75, "merged")
    assert words in site.why()
