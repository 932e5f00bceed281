"""The lifecycles whose traces the power is cut in: the real daemon, its supervisors and hooks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.disk.instrument import Instrument, Plan
from tests.disk.recorder import catch_up, locked, start_recording
from tests.disk.trace import Trace, load
from tests.ezrec.station_fixture import EZREC, Daemon, make_folder
from tests.waiting import wait_until

_SECONDS = 60
CAMERA = """\
cameras: [{id: "0"}]
capture: {size: 320x240, rate: 10, bitrate: 400000}
"""


class Stage:
    """A folder whose daemon and commands are recorded."""

    def __init__(self, site: Path) -> None:
        self.folder = make_folder(site)
        self.instrument = Instrument(site / "instrument")
        self.use_own("upload")
        (self.folder.root / "archive" / ".ezrec-archive").touch()

    def use_own(self, stage: str) -> None:
        """ezrec's own hook, instead of the one in `sh`."""
        (self.folder.root / "hooks" / f"{stage}.sh").unlink()

    def start(self) -> None:
        """What is there now is safe; what is done from now on is recorded."""
        root = self.folder.root
        self.instrument.arm(Plan(do="record", watched=str(root)))
        start_recording(self.instrument.home, root)

    @contextmanager
    def daemon(self) -> Iterator[Daemon]:
        with self.folder.daemon(prefix=(str(self.instrument.python),)) as daemon:
            yield daemon

    def command(self, *argv: str) -> None:
        """An `ezrec` command, recorded too."""
        command = [str(self.instrument.python), EZREC, "--root", str(self.folder.root), *argv]
        subprocess.run(
            command, check=True, capture_output=True, timeout=_SECONDS, cwd=self.folder.site
        )

    def wait(self, name: str, *markers: str) -> None:
        self.folder.wait_for(name, *markers, seconds=_SECONDS)

    def catch_up(self) -> None:
        """What was done by hand is a step of its own."""
        catch_up(self.instrument.home, self.folder.root)

    def trace(self) -> Trace:
        self.catch_up()
        with locked(self.instrument.home):
            return load(self.instrument.home)


def drop(stage: Stage) -> None:
    """Footage and `.done` are moved in; merged by a hook in `sh`, uploaded, and its states are told."""
    stage.folder.hook("on_merged.sh", "say told\n")
    stage.folder.hook("on_completed.sh", "say told\n")
    stage.start()
    with stage.daemon():
        stage.folder.drop("match", ".done")
        stage.wait("match", ".completed")
        stage.folder.wait_for_call("told", "on_completed")
        tells = stage.folder.root / ".ezrec" / "tells"
        wait_until(lambda: not list(tells.iterdir()))


def capture(stage: Stage) -> None:
    """`ezrec new --start-now` below a date: recorded, merged and uploaded by ezrec's own hooks."""
    stage.folder.configure(CAMERA)
    for name in ("capture", "merge"):
        stage.use_own(name)
    stage.start()
    stage.command("new", "2026-01-02/match", "--seconds", "3", "--start-now")
    with stage.daemon():
        stage.wait("2026-01-02/match", ".completed")


def shell_capture(stage: Stage) -> None:
    """A `.lock` is dropped; a hook in `sh` records, and syncs nothing. It is stopped by a `.done`."""
    stage.folder.close_gate("capture")
    stage.start()
    with stage.daemon():
        stage.folder.drop("match", ".lock", files=())
        wait_until(lambda: (stage.folder.root / "match" / "camera_0.mp4").exists(), _SECONDS)
        stage.catch_up()
        (stage.folder.root / "match" / ".done").touch()
        stage.wait("match", ".completed")


def push_and_mend(stage: Stage) -> None:
    """`.error` is dropped while it is merged, then removed: merged again, and uploaded."""
    stage.folder.close_gate("merge")
    stage.start()
    with stage.daemon():
        stage.folder.drop("match", ".done")
        stage.folder.wait_for_call("start", "merge")
        stage.catch_up()
        (stage.folder.root / "match" / ".error").touch()
        stage.wait("match", ".error")
        wait_until(lambda: stage.folder.states("match")[-1:] == ["failed!"], _SECONDS)
        stage.folder.open_gate("merge")
        stage.catch_up()
        (stage.folder.root / "match" / ".error").unlink()
        stage.wait("match", ".completed")


def retry(stage: Stage) -> None:
    """The first attempt fails, the second is out of luck too: `.merge_error`, `ezrec retry`, well."""
    stage.folder.configure("stages: {merge: {attempts: 2, backoff: 0.05 s}}\n")
    good = (stage.folder.root / "hooks" / "merge.sh").read_text()
    stage.folder.hook("merge.sh", "say end\nexit 3\n")
    stage.start()
    with stage.daemon():
        stage.folder.drop("match", ".done")
        stage.wait("match", ".merge_error")
        wait_until(lambda: stage.folder.states("match")[-1:] == ["merge_failed"], _SECONDS)
        stage.folder.hook("merge.sh", good)
        stage.command("retry", "match")
        stage.wait("match", ".completed")


def again(stage: Stage) -> None:
    """A completed recording is pushed back to `.done`: merged anew, and its object is replaced."""
    with stage.folder.daemon():
        stage.folder.drop("match", ".done")
        stage.wait("match", ".completed")
        wait_until(lambda: stage.folder.states("match")[-1:] == ["completed"], _SECONDS)
    stage.start()
    with stage.daemon():
        (stage.folder.root / "match" / ".done").touch()
        wait_until(lambda: len(stage.folder.states("match")) >= 6, _SECONDS)
        stage.wait("match", ".completed")


def by_hand(stage: Stage) -> None:
    """Commands and hands: made, pushed, an error lifted where nothing is, one cleared that has work."""
    stage.folder.hook("merge.sh", "exit 65\n")
    stage.start()
    stage.command("new", "match")
    stage.command("push", "match", "failed")
    with stage.daemon():
        (stage.folder.root / "match" / ".error").unlink()
        wait_until(lambda: stage.folder.states("match")[-1:] == ["idle"], _SECONDS)
        stage.catch_up()
        (stage.folder.root / "match" / ".done").touch()
        wait_until(lambda: stage.folder.states("match")[-1:] == ["failed"], _SECONDS)
    stage.command("push", "match", "idle")


def ask_later(stage: Stage) -> None:
    """A recording that is there already is asked for by a dropped `.lock`, and a hook in `sh`."""
    with stage.folder.daemon():
        stage.command("new", "match")
    stage.start()
    with stage.daemon():
        (stage.folder.root / "match" / ".lock").touch()
        stage.wait("match", ".completed")


SCENARIOS: dict[str, Callable[[Stage], None]] = {
    each.__name__: each
    for each in (drop, capture, shell_capture, push_and_mend, retry, again, by_hand, ask_later)
}


def record(name: str, site: Path) -> Trace:
    """Play one scenario in `site`, and give its trace."""
    stage = Stage(site)
    try:
        SCENARIOS[name](stage)
        return stage.trace()
    finally:
        stage.folder.end_everything()
