"""P14: no secret is ever where it was not asked for. Canaries in the daemon's environment, in `.env` and in
mistakes of the configuration are searched for in everything that anybody but the daemon can read."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Figure
from tests.ezrec.station_fixture import Folder
from tests.ezrec.test_hostile_drops import UNPRIVILEGED
from tests.hostile.commands import say

#: by the name of the variable: where it is set, and the one stage that asks for it
IN_THE_ENVIRONMENT = (
    *(
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "SUPABASE_URL",
        "SUPABASE_KEY",
    ),
    *("SUPABASE_SERVICE_ROLE_KEY", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "NAS_TOKEN"),
)
IN_DOTENV = ("REVIEW_TOKEN", "DOTENV_PASSWORD", "SENDGRID_API_KEY")
ASKED = {"upload": {"NAS_TOKEN"}, "review": {"REVIEW_TOKEN"}}
_CONFIG = """\
settle: 0
stages:
  merge: {backoff: 0.05 s}
  review: {after: merged, to: reviewed, secrets: [REVIEW_TOKEN], backoff: 0.05 s}
  upload: {secrets: [NAS_TOKEN, NOT_SET], backoff: 0.05 s}
"""
#: What a hook can find out: its environment and stdin, and of every process argv and environment.
_PROBE = """\
import json, os, sys, time
def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except OSError:
        return ""
seen = {pid: [read(f"/proc/{pid}/cmdline"), read(f"/proc/{pid}/environ")]
        for pid in os.listdir("/proc") if pid.isdigit()}
told = {"hook": os.environ["EZREC_HOOK"], "run": os.environ["EZREC_RUN_ID"],
        "own": dict(os.environ), "stdin": sys.stdin.read(), "seen": seen}
with open(os.path.join(sys.argv[1], f"{os.environ['EZREC_HOOK']}-{time.monotonic_ns()}"), "w",
          errors="surrogateescape") as file:
    json.dump(told, file)
"""


@dataclass(kw_only=True)
class Searched:
    """How many places were searched, and where a canary was found."""

    canaries: Mapping[str, str]
    places: int = 0

    def __post_init__(self) -> None:
        self.hits: list[str] = []

    def search(self, where: str, text: str | bytes, allowed: frozenset[str] = frozenset()) -> None:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.places += 1
        for name, value in self.canaries.items():
            if name not in allowed and value.encode() in data:
                self.hits.append(f"{name} in {where}")


@pytest.fixture
def canaries(folder: Folder) -> Iterator[dict[str, str]]:
    """A random value for each name, known to the daemon and to every command, or to `.env`."""
    made = {name: "canary" + secrets.token_hex(12) for name in (*IN_THE_ENVIRONMENT, *IN_DOTENV)}
    folder.environment = {name: made[name] for name in IN_THE_ENVIRONMENT}
    lines = [f"{name}={made[name]}\n" for name in IN_DOTENV]
    (folder.root / ".env").write_text("".join(lines))
    yield made


def add_probes(folder: Folder) -> Path:
    """Hooks of every stage and event that look around; the merge fails once, the review waits once."""
    told = folder.site / "told"
    told.mkdir()
    (folder.site / "probe.py").write_text(_PROBE)
    probe = f"'{sys.executable}' -I '{folder.site / 'probe.py'}' '{told}'\n"
    for name in ("capture", "merge", "upload"):
        body = (folder.root / "hooks" / f"{name}.sh").read_text()
        first = '[ "$EZREC_ATTEMPT" != 1 ] || { echo ezrec:note broken; exit 3; }\n'
        head, _, rest = body.partition("say start\n")
        folder.hook(
            f"{name}.sh", f"{head}say start\n{probe}{first if name == 'merge' else ''}{rest}"
        )
    folder.hook(
        "review", f"{probe}[ -e seen ] || {{ touch seen; echo ezrec:note later; exit 75; }}\n"
    )
    for name in ("on_recorded", "on_completed", "merge.d/extra"):
        folder.hook(name, probe)
    return told


def asked_by(environ: str) -> frozenset[str]:
    """What the hook asked for that is a process with this environment; nothing where it is no hook."""
    variables = environ.split("\0")
    hooks = [hook for hook in ASKED if f"EZREC_HOOK={hook}" in variables]
    return frozenset(ASKED[hooks[0]]) if hooks else frozenset()


def look_through(told: Path, searched: Searched) -> set[str]:
    """What every hook found out; the hooks that were heard of."""
    heard = set()
    for path in sorted(told.iterdir()):
        found: dict[str, Any] = json.loads(path.read_text(errors="surrogateescape"))
        hook = found["hook"]
        heard.add(hook)
        own = frozenset(ASKED.get(hook, set()))
        assert {name for name in found["own"] if name in searched.canaries} == own, hook
        searched.search(f"the environment of {hook}", json.dumps(found["own"]), own)
        searched.search(f"the document of {hook}", found["stdin"])
        for pid, (argv, environ) in found["seen"].items():
            searched.search(f"the argv of {pid}, seen by {hook}", argv)
            where = f"the environment of {pid} ({argv[:60]!r}), seen by {hook}"
            searched.search(where, environ, asked_by(environ))
    return heard


def look_into_files(folder: Folder, searched: Searched) -> None:
    """Every file that came to be: logs, journals, markers, notes, receipts, the daemon's log."""
    for path in sorted(folder.site.rglob("*")):
        if path.is_file() and path.parent.name != "told" and path.name != ".env":
            searched.search(str(path.relative_to(folder.site)), path.read_bytes())


COMMANDS = (
    *(
        ("status",),
        ("status", "--json"),
        ("why", "ID"),
        ("history", "ID"),
        ("history", "ID", "--json"),
    ),
    *(("logs", "ID"), ("hooks",), ("graph",), ("push", "ID", "recorded", "--dry-run")),
    *(
        ("hold", "ID"),
        ("release", "ID"),
        ("retry", "ID"),
        ("stop", "ID"),
        ("push", "ID", "nowhere"),
    ),
)


def test_p14_a_secret_is_where_it_was_asked_for_and_nowhere_else(
    folder: Folder, canaries: dict[str, str], monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """A whole life with a failure and a wait in it: argv and environments of every process that a hook
    can look at (supervisor, nursery and daemon among them), documents, files, and what commands say.

    The daemon hides its own environment from its user's other processes; root without its
    capabilities is such a user. A hook that asked has its secret in its own environment, which its
    user's other processes can read while it runs: that is not promised away.
    """
    folder.configure(_CONFIG)
    told = add_probes(folder)
    searched = Searched(canaries=canaries)
    with folder.daemon(prefix=UNPRIVILEGED) as daemon:
        folder.ezrec("new", "made", "--seconds", "1", "--start-now")
        folder.drop("dropped", ".done")
        for name in ("made", "dropped"):
            folder.wait_for(name, ".completed", seconds=60)
        folder.wait_for_call("start", "on_completed", times=2)
        environ = Path(f"/proc/{daemon.process.pid}/environ")
        assert os.geteuid() != 0 or all(
            canaries[n].encode() in environ.read_bytes() for n in folder.environment
        )
    heard = look_through(told, searched)
    assert heard == {"capture", "merge", "review", "upload", "on_recorded", "on_completed"}
    look_into_files(folder, searched)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    for words in COMMANDS:
        said = say(monkeypatch, folder.root, *("made" if word == "ID" else word for word in words))
        searched.search(f"ezrec {words}", said.out + said.err)
    assert searched.hits == []
    figure("P14 places searched, hits", f"{searched.places}, {len(searched.hits)}")


#: SECRET stands for the canary: what people write where it does not belong, in each of the two files
MISTAKES = {
    "ezrec.yaml": (
        "stages: {upload: {secrets: SECRET-x}}\n",
        "stages: {upload: {secrets: [NAS_TOKEN=SECRET]}}\n",
        "stages: {upload: {secrets: {NAS_TOKEN: SECRET}}}\n",
        "stages: {upload: {secrets: [{NAS_TOKEN: SECRET}]}}\n",
        "stages: {upload: {secrets: [[SECRET]]}}\n",
        "upload: {to: 's3://key:SECRET@bucket'}\n",
        "upload: {to: 'https://SECRET@host/x'}\n",
        "upload: {to: 'file://user:SECRET@host/x'}\n",
        "upload: {to: 'file:SECRET'}\n",
        "upload: {to: ['s3://SECRET@x']}\n",
        "aws_secret_access_key: SECRET\n",
        "upload: {to: file:///x, secret_key: SECRET}\n",
        "upload: {password: [SECRET, {x: SECRET}]}\n",
        "supabase_key: 'SECRET\n",
        'supabase_key: "SECRET\\q"\n',
        "supabase_key: !SECRET x\n",
        "supabase_key: !SECRET!x y\n",
        "supabase_key: *SECRET\n",
        "supabase_key: &SECRET\n  x\n",
        "supabase_key: @SECRET\n",
        "supabase_key: SECRET: SECRET\n",
        "%SECRET x\n---\nsettle: 5 s\n",
        "supabase_key: |SECRET\n",
        "SECRET\n",
        "- SECRET\n",
        "settle: 5 s\nsupabase_key: SECRET\tx\n  SECRET\n",
    ),
    ".env": (
        'NAS_TOKEN="SECRET\n',
        "NAS_TOKEN='SECRET' SECRET\n",
        "EZREC_UPLOAD_TO=s3://key:SECRET@bucket\n",
        "EZREC_UPLOAD_TO=file://user:SECRET@host\n",
        "EZREC_UPLAOD_TO=SECRET\n",
        "NAS_TOKEN=SECRET\x07\n",
        "DUAL_CAMERA_MODE='SECRET\n",
    ),
}


def test_p14_no_mistake_is_answered_with_the_secret(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """A secret written where it does not belong is not repeated by the sentence that says so."""
    (folder.root / "ezrec.yaml").unlink()
    searched = Searched(canaries={"it": "canary5e1f0a"})
    refused = 0
    for name, texts in MISTAKES.items():
        for text in texts:
            (folder.root / name).write_text(text.replace("SECRET", "canary5e1f0a"))
            for words in (("status",), ("hooks",)):
                said = say(monkeypatch, folder.root, *words)
                refused += said.code == 78
                searched.search(f"what {text!r} is answered", said.out + said.err)
        (folder.root / name).unlink(missing_ok=True)
    assert searched.hits == [] and refused > 20
    figure("P14 mistakes with a secret in them, hits", f"{searched.places}, {len(searched.hits)}")
