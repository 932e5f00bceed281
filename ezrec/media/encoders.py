"""How the merged picture is encoded. Pure.

Measured beside the original's `veryfast` at a constant rate factor of 20, on noisy motion and on a panned
texture: `fast` saves the entropy coder and spends bytes instead, with adaptive quantisation for the
likeness that this costs; `balanced` keeps the macroblock tree, which `superfast` leaves out, and gets its
bytes back; `small` searches finer, among more frames.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

X264: Literal["x264"] = "x264"
HARDWARE: Literal["h264_v4l2m2m"] = "h264_v4l2m2m"

#: quality -> preset, constant rate factor, further parameters
_QUALITIES = {
    "fast": ("ultrafast", 22.5, "aq-mode=1"),
    "balanced": ("superfast", 19.8, "mbtree=1:rc-lookahead=10"),
    "small": ("veryfast", 20.7, "subme=3:bframes=5:b-adapt=1:ref=2"),
}
#: of hardware that knows no quality: bits for each pixel of each frame
_BITS = 0.12


def video_options(encoder: str, quality: str, size: tuple[int, int], rate: Fraction) -> list[str]:
    """ffmpeg's options for a picture of this size (pixels) and rate (frames a second)."""
    if encoder == HARDWARE:
        bits = round(size[0] * size[1] * float(rate) * _BITS)
        return ["-c:v", HARDWARE, "-b:v", str(bits), "-pix_fmt", "yuv420p"]
    preset, crf, more = _QUALITIES[quality]
    options = ["-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-pix_fmt", "yuv420p"]
    return [*options, *(["-x264-params", more] if more else [])]


def sound_options(sound: bool) -> list[str]:
    """AAC in stereo, or none."""
    return ["-c:a", "aac", "-b:a", "128k", "-ac", "2"] if sound else ["-an"]
