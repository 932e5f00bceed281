"""What a capture is made of while it runs, and the account that is given of it at its end."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from queue import SimpleQueue

from ezrec import document
from ezrec.capture.takes import Take, close_takes, content, recorded
from ezrec.errors import DataError, EzrecError
from ezrec.hook import Job, note
from ezrec.media.ffmpeg import Ffmpeg

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera while it records: how far it is, and what went wrong with it."""

    take: Take
    running: Ffmpeg | None = None
    frames: int = 0
    ended: bool = False
    problem: str = ""
    full: bool = False
    unsynced: bool = False

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
    close_takes(dir_fd, [camera.take for camera in session.cameras])
    for camera in session.cameras:
        if camera not in delivered and not camera.problem:
            camera.problem = "it delivered no frame"
        if camera.problem:
            note(f"camera {camera.take.camera}: {camera.problem}")
    document.update(dir_fd, {"capture": _facts(dir_fd, session, len(delivered))})
    if any(camera.full for camera in session.cameras):
        raise disk_full(job)
    said = "; ".join(f"camera {c.take.camera}: {c.problem}" for c in session.cameras if c.problem)
    if not delivered:
        raise EzrecError(f"no camera delivered a frame: {said}")
    if any(camera.unsynced for camera in session.cameras):
        raise EzrecError(f"the disk dropped what was written: {said}", "a new take is recorded")


def _facts(dir_fd: int, session: Session, delivered: int) -> dict[str, object]:
    cameras: dict[str, object] = {}
    for camera in session.cameras:
        parts, found = recorded(dir_fd, camera.take.camera)
        facts = {"files": parts, "frames": found.frames, "seconds": round(found.seconds, 3)}
        cameras[camera.take.camera] = facts | (
            {"problem": camera.problem} if camera.problem else {}
        )
    alone = delivered == 1 and len(session.cameras) > 1
    return {"cameras": cameras} | ({"label": "one_camera"} if alone else {})


def disk_full(job: Job) -> DataError:
    return DataError(
        f"the disk under {job.recording_dir} is full; what was recorded until then is kept",
        "make room, then push the recording on with: touch .done",
    )
