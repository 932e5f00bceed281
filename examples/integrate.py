"""A station inside somebody else's program: it drops two videos and sees them archived.

    ezrec init station
    python integrate.py station left.mp4 right.mp4

The station works in a thread of this process and installs no signal handler.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ezrec import EzrecError, State, StateMachineError, Station, Transition

NAME = "match-17"
ENDS = (State.COMPLETED, State.MERGE_FAILED, State.FAILED)


def drop(root: Path, name: str, videos: list[Path]) -> None:
    """Copy aside, rename, and only then say that it is whole."""
    aside = root / f".{name}"  # what begins with a dot is no recording
    aside.mkdir()
    for number, video in enumerate(videos):
        shutil.copy(video, aside / f"camera_{number}{video.suffix}")
    aside.rename(root / name)
    (root / name / ".done").touch()


def told(change: Transition) -> None:
    """Called in the station's thread: put the news somewhere, and return."""
    print(f"callback: {change.recording} is {change.state}", flush=True)


def main(root: Path, videos: list[Path]) -> int:
    with Station(root) as station:
        station.on_transition(told)
        changes = station.transitions()  # from here on, nothing is missed
        station.start()
        drop(root, NAME, videos)
        for change in changes:
            if change.recording == NAME and change.state in ENDS:
                break
        recording = station.recording(NAME)
        print(f"{recording.id} ended {recording.state}: {recording.path / 'merged.mp4'}")
        return 0 if recording.state == State.COMPLETED else 1


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).absolute(), [Path(name) for name in sys.argv[2:]]))
    except (EzrecError, StateMachineError) as error:
        sys.exit(str(error))
