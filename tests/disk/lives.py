"""Whole lives of recordings in one root, under a daemon that is started again whenever it has died."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.disk.instrument import REPOSITORY, Instrument
from tests.disk.witness import Witness
from tests.ezrec.station_fixture import Daemon, Folder

TRACED = "r0000"
CONFIG = """\
settle: 0.1 s
stages:
  capture: {backoff: 0.05 s, attempts: 50, limit: 8}
  merge: {backoff: 0.05 s, attempts: 50, limit: 2}
  upload: {backoff: 0.05 s, attempts: 50, limit: 3}
"""
OWN = ("capture", "merge", "upload")


def own_config(seconds: float) -> str:
    """For ezrec's own stages: one camera that records so long, with as little work as can be."""
    camera = f"{{size: 64x48, rate: 10, bitrate: 100000, max_seconds: {seconds} s}}"
    many = CONFIG.replace("limit: 8", "limit: 30").replace("limit: 2", "limit: 4")
    return f'cameras: [{{id: "0"}}]\ncapture: {camera}\n{many}'


#: No stage may run twice at once: who meets another one in the same recording says so (1; a `flock` that
#: is itself killed has met nobody).
_ALONE = """\
sleep "$(cat "$site/slowness")"
exec 9>> "$site/locks/$EZREC_RECORDING_ID.$EZREC_HOOK"
flock -n 9 || { [ $? -eq 1 ] && say double; }
"""
#: What a take holds is written down in `witness/`, before it bears a name that makes it footage.
_CAPTURE = (
    _ALONE
    + """\
printf 'footage %s' "$EZREC_RUN_ID" > camera_0.mp4.partial || exit 75
name=camera_0.mp4; part=2
while [ -e "$name" ]; do name=camera_0.part-$part.mp4; part=$((part + 1)); done
cp camera_0.mp4.partial "$site/witness/$EZREC_RECORDING_ID.$EZREC_RUN_ID.$name"
mv camera_0.mp4.partial "$name" || exit 75
say end
"""
)
_MERGE = (
    _ALONE
    + """\
{ cat "$site/tiny.mp4" && printf '\\0\\0\\0\\050free%s' "$EZREC_RUN_ID"; } > merged.mp4.partial || exit 75
mv merged.mp4.partial merged.mp4 || exit 75
say end
"""
)


class Lives:
    """A folder with fast hooks, ezrec's own upload in the instrumented interpreter, and a witness."""

    def __init__(self, folder: Folder, *, config: str = CONFIG, fast: bool = True) -> None:
        self.folder = folder
        self.instrument = Instrument(folder.site / "instrument")
        self.starts = 0
        self.prefix: tuple[str, ...] = ()
        self.arguments: tuple[str, ...] = ()
        self.logs: list[str] = []
        self._daemon: Daemon | None = None
        for name in ("locks", "witness"):
            (folder.site / name).mkdir()
        (folder.root / "archive" / ".ezrec-archive").touch()
        folder.configure(config)
        self._hooks(fast)
        self.slow(0)
        self.witness = Witness(folder.root / "archive", folder.site / "arrived")

    def _hooks(self, fast: bool) -> None:
        for stage in OWN:
            own = f'exec "{self.instrument.python}" -I "{REPOSITORY}/hooks/{stage}.py"\n'
            self.folder.hook(f"{stage}.sh", _ALONE + own)
        if fast:
            self.folder.hook("capture.sh", _CAPTURE)
            self.folder.hook("merge.sh", _MERGE)

    def slow(self, seconds: float) -> None:
        """How long every hook waits before it works: the daemon looks the more often."""
        (self.folder.site / "slowness").write_text(str(seconds))

    def begin(self, names: Iterable[str]) -> None:
        """Empty directories that ask for a capture, each whole when it appears."""
        for name in names:
            fresh = self.folder.root / ".fresh"
            fresh.mkdir()
            (fresh / ".lock").touch()
            fresh.rename(self.folder.root / name)

    def completed(self, name: str) -> bool:
        return self.folder.markers(name) == {".completed"}

    def live(
        self,
        names: Iterable[str],
        seconds: float = 120,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Keep a daemon running until all of them are completed (or `until`); `meanwhile` at each turn."""
        left = set(names)
        deadline = time.monotonic() + seconds
        while left if until is None else not until():
            self.keep()
            meanwhile()
            left = {name for name in left if not self.completed(name)}
            assert time.monotonic() < deadline, (self._stuck(left), self.log[-6000:])
            time.sleep(0.02)

    def _stuck(self, left: set[str]) -> dict[str, tuple[set[str], list[str]]]:
        return {n: (self.folder.markers(n), self.folder.states(n)) for n in sorted(left)[:5]}

    def keep(self) -> Daemon:
        """As systemd would: a daemon that has ended is started again."""
        if self._daemon is None or self._daemon.process.poll() is not None:
            self._take_log()
            prefix = (*self.prefix, str(self.instrument.python))
            self._daemon = self.folder.daemon(*self.arguments, prefix=prefix, wait=False)
            self.starts += 1
        return self._daemon

    def _take_log(self) -> None:
        if self._daemon is not None:
            self.logs.append(self._daemon.log)

    @property
    def log(self) -> str:
        """What all the daemons said."""
        return "".join([*self.logs, self._daemon.log if self._daemon else ""])

    def stop(self) -> None:
        """End the daemon well, if it lives."""
        if self._daemon is not None:
            self._take_log()
            if self._daemon.process.poll() is None:
                self._daemon.terminate()
            self._daemon = None

    def end(self) -> None:
        if self._daemon is not None:
            self._daemon.process.kill()
            self._daemon.process.wait()
        self.witness.end()

    def clear(self, names: Iterable[str]) -> None:
        """Take recordings away that have been looked at."""
        for name in names:
            shutil.rmtree(self.folder.root / name)

    def witnessed(self, name: str) -> list[Path]:
        """The copies of every take that the capture of this recording has made."""
        return sorted((self.folder.site / "witness").glob(f"{name}.*"))
