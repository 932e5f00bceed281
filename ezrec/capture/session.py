"""One capture: every camera started together, watched, stopped together, and accounted for."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty

from ezrec import document
from ezrec.capture import synthetic
from ezrec.capture.account import Camera, Session, account
from ezrec.capture.takes import Syncer, Take, close_takes, new_take, recorded
from ezrec.errors import ConfigError
from ezrec.hook import Job, note, progress, say
from ezrec.media.ffmpeg import Ffmpeg, find_ffmpeg, is_full, number
from ezrec.statemachine import files

#: What a camera that was asked to finish may take to do so, in seconds; then it is killed. Less than
#: the grace that the stage is given: there is an account to be written afterwards.
PATIENCE = 7.0
#: In `recording.json`: the seconds of earlier takes, which another take was asked for beside.
BEFORE = "seconds_before"


def capture_recording(job: Job) -> None:
    """Record with all cameras for the time that is left, or until SIGTERM; note what came of it.

    Existing takes count towards `seconds` in `recording.json`: run again after a crash, it records the
    rest as a further part. Where an operator asked for another take, only takes from then on count.
    Call it in the main thread: it handles SIGTERM while it works.

    Raises ConfigError where there is no camera, EzrecError where none delivered a frame (try again) or
    not all could be brought to the disk, DataError where the disk is full: what was recorded until then
    is kept and can be played; TryLater where nothing was recorded for want of room.
    """
    with files.directory(".") as dir_fd:
        ids = job.camera_ids or tuple(camera.id for camera in job.cameras)
        if not ids:
            raise ConfigError("no camera is configured", "name one under cameras: in ezrec.yaml")
        frames = frames_left(dir_fd, job, ids)
        if frames < 1:
            note("the whole time is recorded already")
            return
        session = _record(dir_fd, job, ids, frames)
        account(dir_fd, job, session)


def frames_left(dir_fd: int, job: Job, ids: tuple[str, ...]) -> int:
    """How many frames are still to be recorded, by what was asked for and what is there."""
    most = job.capture.max_seconds.total_seconds()
    asked = document.seconds_asked(document.read(dir_fd))
    if asked is None:
        return round(most * job.capture.rate)
    there = max(recorded(dir_fd, camera)[1].seconds for camera in ids)
    if job.requested:
        document.update(dir_fd, {BEFORE: there})
    counted = there - document.number(document.read(dir_fd), BEFORE)
    return round((min(asked, most) - counted) * job.capture.rate)


def _record(dir_fd: int, job: Job, ids: tuple[str, ...], frames: int) -> Session:
    program = find_ffmpeg()
    takes = _new_takes(dir_fd, ids)
    session = Session(cameras=[Camera(take=take) for take in takes], frames=frames)
    by_take = {camera.take: camera for camera in session.cameras}

    def unsynced(take: Take, error: OSError) -> None:
        """It can't be filmed once more: the camera goes on, and it is said, once."""
        why = f"{take.name} could not be brought to the disk: {error.strerror}"
        by_take[take].unsynced = why
        note(f"camera {take.camera}: {why}")

    syncer = Syncer(takes, unsynced)
    with _stopped_by_term(session):
        syncer.start()
        try:
            for camera in session.cameras:
                _start(program, job, camera, session)
            _follow(session)
        finally:
            _end(session)
            syncer.finish()
    return session


def _new_takes(dir_fd: int, ids: tuple[str, ...]) -> list[Take]:
    takes: list[Take] = []
    try:
        for index, camera in enumerate(ids):
            takes.append(new_take(dir_fd, camera, index))
        files.sync(dir_fd)
    except BaseException:
        close_takes(dir_fd, takes)
        raise
    return takes


def _start(program: str, job: Job, camera: Camera, session: Session) -> None:
    take = camera.take
    command = [program, *synthetic.command(job.capture, take.index, session.frames, take.path)]
    say(f"camera {take.camera} -> {take.name}, at most {session.frames} frames")

    def report(block: dict[str, str]) -> None:
        camera.frames = number(block, "frame")
        session.events.put("progress")

    def ended() -> None:
        camera.ended = True
        session.events.put("ended")

    try:
        camera.running = Ffmpeg(
            command, report=report, ended=ended, keep=[take.fd], prefix=f"camera {take.camera}: "
        )
    except OSError as error:
        camera.problem, camera.ended = f"ffmpeg can't be started: {error.strerror}", True


def _follow(session: Session) -> None:
    """Until every camera has ended: say how far they are, pass a stop on, once."""
    said = 0.0
    while not all(camera.ended for camera in session.cameras):
        try:
            event = session.events.get(timeout=1.0)
        except Empty:
            event = ""
        now = time.monotonic()
        if event == "stop" and session.stopping_since is None:
            session.stopping_since = now
            _finish(session)
        if session.stopping_since is not None and now - session.stopping_since > PATIENCE:
            return
        if now - said >= 1.0:
            said = now
            going = [camera.frames for camera in session.cameras if not camera.ended]
            progress(100.0 * min(going, default=session.frames) / session.frames)


def _finish(session: Session) -> None:
    for camera in session.cameras:
        if camera.running:
            camera.running.finish()


def _end(session: Session) -> None:
    """Take in every camera's end; what has not ended by now is killed: its fragments are kept."""
    for camera in session.cameras:
        if camera.running is None:
            continue
        if not camera.ended:
            camera.running.kill()
        code = camera.running.wait()
        stopped = session.stopping_since is not None and code in (255, 0)
        camera.full = camera.full or is_full(camera.running.said)
        if code != 0 and not stopped and not camera.problem:
            said = camera.running.tail() or "it said nothing"
            camera.problem = f"ffmpeg ended with status {code}: {said}"


@contextmanager
def _stopped_by_term(session: Session) -> Iterator[None]:
    """SIGTERM ends the recording well, instead of ending us."""
    before = signal.signal(signal.SIGTERM, lambda *_: session.events.put("stop"))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
