"""Whether an encoder that is asked for works here: found out by encoding a few pictures with it."""

from __future__ import annotations

import subprocess

from ezrec.media.encoders import HARDWARE, video_options
from ezrec.media.ffmpeg import find_ffmpeg
from ezrec.media.plan import Plan

_PATIENCE = 20.0


def missing(encoder: str, made: Plan) -> str:
    """Why `encoder` can't make pictures of the plan's size here; empty where it can."""
    if encoder != HARDWARE:
        return ""
    width, height = made.size
    command = [
        *(find_ffmpeg(), "-nostdin", "-v", "error", "-f", "lavfi"),
        *("-i", f"color=s={width}x{height}:r={made.rate}", "-frames:v", "5"),
        *(*video_options(encoder, "", made.size, made.rate), "-f", "null", "-"),
    ]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "it does not come to an end"
    said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return "" if ended.returncode == 0 else (said[0][:200] if said else "it failed")
