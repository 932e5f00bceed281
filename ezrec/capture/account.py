"""What a capture is made of while it runs, and the account that is given of it at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue

from ezrec import document
from ezrec.capture.takes import Take, close_takes, content, holds_pictures, recorded
from ezrec.errors import DataError, EzrecError, TryLater
from ezrec.hook import Job, note
from ezrec.media.ffmpeg import Ffmpeg


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera while it records: how far it is, and what went wrong with it. `unsynced` is why its
    file could not be brought to the disk, once at least: it stays said, whatever came afterwards."""

    take: Take
    running: Ffmpeg | None = None
    frames: int = 0
    ended: bool = False
    problem: str = ""
    full: bool = False
    unsynced: str = ""

    @property
    def delivered(self) -> bool:
        return content(self.take).frames > 0


@dataclass(slots=True, kw_only=True)
class Session:
    """The cameras of one capture, and what threads and signals have told of them since."""

    cameras: list[Camera]
    frames: int
    events: SimpleQueue[str] = field(default_factory=SimpleQueue)
    stopping_since: float | None = None


def account(dir_fd: int, job: Job, session: Session) -> None:
    """Write down what came of it, tell of each camera's trouble, and raise where it was no success."""
    delivered = [camera for camera in session.cameras if camera.delivered]
    kept = any(holds_pictures(camera.take) for camera in session.cameras)
    close_takes(dir_fd, [camera.take for camera in session.cameras])
    for camera in session.cameras:
        if camera not in delivered and not camera.problem:
            camera.problem = "it delivered no frame"
        if camera.problem:
            note(f"camera {camera.take.camera}: {camera.problem}")
    full = any(camera.full for camera in session.cameras)
    try:
        document.update(dir_fd, {"capture": _facts(dir_fd, session, len(delivered))})
    except OSError:
        if not full:
            raise  # else there is no room for this either, and that is said below
    if full:
        raise disk_full(job) if kept else no_room(job)
    problems = {camera.take.camera: camera.problem for camera in session.cameras}
    if not delivered:
        raise EzrecError(f"no camera delivered a frame: {_sentence(problems)}")
    unsynced = {camera.take.camera: camera.unsynced for camera in session.cameras}
    if any(unsynced.values()):
        said = f"recorded, but not all of it is safe: {_sentence(unsynced)}"
        raise EzrecError(said, "copy it elsewhere now")


def _sentence(said: Mapping[str, str]) -> str:
    return "; ".join(f"camera {camera}: {text}" for camera, text in said.items() if text)


def _facts(dir_fd: int, session: Session, delivered: int) -> dict[str, object]:
    cameras: dict[str, object] = {}
    for camera in session.cameras:
        parts, found = recorded(dir_fd, camera.take.camera)
        facts = {"files": parts, "frames": found.frames, "seconds": round(found.seconds, 3)}
        troubles = {"problem": camera.problem, "unsynced": camera.unsynced}
        cameras[camera.take.camera] = facts | {key: text for key, text in troubles.items() if text}
    alone = delivered == 1 and len(session.cameras) > 1
    return {"cameras": cameras} | ({"label": "one_camera"} if alone else {})


def no_room(job: Job) -> TryLater:
    """Nothing was recorded yet: it may still be, when there is room again."""
    return TryLater(f"the disk under {job.recording_dir} is full", "make room; it is tried again")


def disk_full(job: Job) -> DataError:
    return DataError(
        f"the disk under {job.recording_dir} is full; what was recorded until then is kept",
        "make room, then push the recording on with: touch .done",
    )
