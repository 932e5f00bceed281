"""The cameras' sound in the merged video: each piece at its picture's time, mixed or from one side. Pure."""

from __future__ import annotations

from ezrec.media.places import Placed
from ezrec.media.plan import Plan, View

RATE = 48_000


def heard(given: Plan, which: str) -> list[View]:
    """The views whose sound is kept: of all (`mix`), of one side (`left`, `right`), or of none."""
    with_sound = [view for view in given.views if any(clip.facts.audio for clip in view.clips)]
    if which == "none" or not with_sound:
        return []
    side = {"left": given.views[0], "right": given.views[-1]}.get(which)
    return [view for view in with_sound if side is None or view is side]


def sound_graph(given: Plan, which: str) -> list[str]:
    """The chains that make `[sound]`, as long as the picture; none where there is no sound."""
    views = heard(given, which)
    clips = [clip for view in views for clip in view.clips if clip.facts.audio]
    if not clips:
        return []
    chains = [_piece(given, clip, len(views)) for clip in clips]
    labels = "".join(f"[s{clip.input}]" for clip in clips)
    mixed = f"amix=inputs={len(clips)}:normalize=0:duration=longest," if len(clips) > 1 else ""
    return [*chains, f"{labels}{mixed}apad,atrim=end={given.seconds:.6f}[sound]"]


def _piece(given: Plan, clip: Placed, views: int) -> str:
    """Of several views each is as loud as its share: two microphones in one hall don't add up to noise."""
    at = float(clip.first / given.rate) + clip.shift
    lasts = at + clip.frames / float(given.rate)
    times = f"(PTS-{clip.facts.lead:.6f}/TB)*{clip.pace:.9f}+{at:.6f}/TB"
    level = f"volume={1 / views:.4f}," if views > 1 else ""
    return (
        f"[{clip.input}:a:0]aresample={RATE},aformat=channel_layouts=stereo,{level}"
        f"asetpts={times},atrim=start={at:.6f}:end={lasts:.6f},aresample=async=1:first_pts=0"
        f"[s{clip.input}]"
    )
