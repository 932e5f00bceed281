"""How the merged picture is encoded; `make bench-merge` measures what each quality costs. Pure."""

from __future__ import annotations

from fractions import Fraction

X264 = "x264"
HARDWARE = "h264_v4l2m2m"

#: quality -> preset, constant rate factor, further parameters
_QUALITIES = {
    "fast": ("ultrafast", 21, "cabac=1:no-deblock=0:deblock=0,0:8x8dct=1"),
    "balanced": ("superfast", 22, ""),
    "small": ("faster", 22, ""),
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
