"""A camera that is not there: ffmpeg's moving test picture, with a counter that machines can read. Pure."""

from __future__ import annotations

from ezrec.config.model import CaptureSettings
from ezrec.media import argv, barcode

#: Each camera's colours are turned by this many degrees more than the last one's.
HUE_STEP = 100


def picture(settings: CaptureSettings, camera: int) -> str:
    """The filter graph of the source: clock and frame number are drawn by testsrc2 itself."""
    width, height = settings.size
    return ",".join(
        [
            f"testsrc2=size={width}x{height}:rate={settings.rate}",
            "format=yuv420p",
            f"hue=h={HUE_STEP * camera % 360}",
            *barcode.filters(width, height, camera),
        ]
    )


def command(settings: CaptureSettings, camera: int, frames: int, target: str) -> list[str]:
    """ffmpeg's arguments for `frames` frames at true speed into `target`, in fragments of a second."""
    rate, bits = str(settings.rate), str(settings.bitrate)
    return [
        *argv.COMMON,
        *argv.PROGRESS,
        *("-re", "-f", "lavfi", "-i", picture(settings, camera)),
        *("-frames:v", str(frames), "-an"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"),
        *("-b:v", bits, "-maxrate", bits, "-bufsize", bits),
        *("-g", rate, "-keyint_min", rate, "-sc_threshold", "0"),
        *argv.CRASH_SAFE,
        *("-y", f"file:{target}"),
    ]
