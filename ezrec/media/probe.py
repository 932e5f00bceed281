"""The facts of a video file, by reading it: PyAV, imported when it is needed.

Every packet is read, none but the first frames decoded: an index may claim what is not there.
"""

from __future__ import annotations

import errno
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from ezrec.errors import DataError
from ezrec.media.boxes import missing_bytes
from ezrec.media.facts import LARGEST_SIDE, Facts

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

#: A file whose first frame is not found in so many packets has none that can be used.
PATIENCE = 300
#: Errors of the machine, not of the file: the same file may be read later.
_NOT_THE_FILE = (errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EACCES)


def probe(fd: int, demuxer: str, name: str) -> Facts:
    """What is in the open file, read with this demuxer and no other. Raises DataError: unusable."""
    import av

    source = f"/proc/self/fd/{fd}"
    options = {"protocol_whitelist": "file"}
    try:
        with av.open(source, format=demuxer, options=options) as container:
            missing = missing_bytes(fd) if demuxer == "mov" else 0
            return replace(_facts(container, name, missing), container=demuxer)
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _NOT_THE_FILE:
            raise
        said = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{name} can't be read as a video: {said}") from error


def _facts(container: InputContainer, name: str, missing: int) -> Facts:
    if not container.streams.video:
        raise DataError(f"{name} has no picture in it")
    stream = container.streams.video[0]
    tally = _Tally()
    shown = _first_frame(container, stream, tally)
    if shown is None:
        raise DataError(f"{name} has no frame that can be decoded")
    for packet_times in _packets(container, stream):
        tally.add(*packet_times)
    width, height = _display_size(stream, shown)
    if max(width, height) > LARGEST_SIDE:
        raise DataError(f"{name} is {width}x{height}: pictures over {LARGEST_SIDE} are not taken")
    tick = stream.time_base or Fraction(1, 90_000)
    seconds = float(tally.ticks() * tick)
    sound = container.streams.audio[0] if container.streams.audio else None
    return Facts(
        codec=stream.codec_context.name,
        width=width,
        height=height,
        rate=_rate(stream, tally.frames, seconds),
        seconds=seconds,
        frames=tally.frames,
        streams=len(container.streams),
        missing=missing,
        pixels=shown.format.name,
        rotation=-shown.rotation % 360,
        lead=_lead(container, tally, tick),
        begins=float(min(tally.starts, default=0) * tick),
        audio=sound.codec_context.name if sound is not None else "",
        own=tally.own(tick),
    )


def _lead(container: InputContainer, tally: _Tally, tick: Fraction) -> float:
    """Where sound, or nothing at all, comes before the first frame."""
    begins = container.start_time
    if begins is None or not tally.starts:
        return 0.0
    return max(0.0, float(min(tally.starts) * tick) - begins / 1_000_000)


@dataclass(slots=True)
class _Tally:
    """Packets counted, their times in ticks, and the end of the one that ends last."""

    frames: int = 0
    starts: array[int] = field(default_factory=lambda: array("q"))
    end: int = 0

    def add(self, start: int | None, duration: int) -> None:
        self.frames += 1
        if start is not None:
            self.starts.append(start)
            self.end = max(self.end, start + duration)

    def ticks(self) -> int:
        """From the first frame to the end of the last; the last lasts as long as the others do."""
        if not self.starts:
            return 0
        first, last = min(self.starts), max(self.starts)
        if self.end > last or self.frames < 2:
            return self.end - first
        return last - first + (last - first) // (self.frames - 1)

    def own(self, tick: Fraction) -> tuple[float, ...]:
        """The second of each frame, in the order in which they are shown, from the first."""
        shown = sorted(self.starts)
        return tuple((each - shown[0]) * float(tick) for each in shown)


def _first_frame(
    container: InputContainer, stream: VideoStream, tally: _Tally
) -> VideoFrame | None:
    import av

    for packet in container.demux(stream):
        if _whole(packet):
            tally.add(packet.pts, packet.duration or 0)
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            decoded = []
        if decoded or tally.frames >= PATIENCE:
            return decoded[0] if decoded else None
    return None


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int | None, int]]:
    """(time, duration) of each whole packet that is left, up to where the file ends or breaks."""
    import av

    try:
        for packet in container.demux(stream):
            if _whole(packet):
                yield packet.pts, packet.duration or 0
    except av.FFmpegError:
        return


def _whole(packet: Packet[VideoStream]) -> bool:
    return bool(packet.size) and not packet.is_corrupt and not packet.is_discard


def _display_size(stream: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    ratio = stream.sample_aspect_ratio or Fraction(1)
    usable = Fraction(1, 10) <= ratio <= 10
    width = round(frame.width * ratio) if usable else frame.width
    turned = frame.rotation % 180 != 0
    return (frame.height, width) if turned else (width, frame.height)


def _rate(stream: VideoStream, frames: int, seconds: float) -> Fraction:
    if frames > 1 and seconds > 0:
        return Fraction(frames / seconds).limit_denominator(100_000)
    return stream.average_rate or Fraction(30)
