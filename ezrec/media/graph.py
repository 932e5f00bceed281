"""From the plan of a picture to ffmpeg's filter graph. Pure.

The seam is that of the original: `A * (1 - X/W) + B * (X/W)` over the width of the feather. Its
gradient is drawn once and looped: an expression evaluated for each pixel of each frame costs as much
as the encoder.
"""

from __future__ import annotations

import math

from ezrec.media.places import Placed
from ezrec.media.plan import Plan, View
from ezrec.media.turning import Turn

_QUARTERS = {0: "", 1: "transpose=clock,", 2: "hflip,vflip,", 3: "transpose=cclock,"}
_BLACK = "color=black"


def filter_graph(given: Plan) -> str:
    """The value of `-filter_complex`; its output is labelled `[out]`."""
    chains = [
        chain for number, view in enumerate(given.views) for chain in _view(given, number, view)
    ]
    last = _fitted(given)
    if len(given.views) == 1:
        chains.append(f"[v0]{last or 'null'}[out]")
        return ";".join(chains)
    end = f",{last}[out]" if last else "[out]"
    if not given.overlap:
        chains.append(f"[v0][v1]{_stack(given)}=inputs=2{end}")
    else:
        chains += _seam(given, end)
    return ";".join(chains)


def _fitted(given: Plan) -> str:
    """Into the box that was asked for, whole, in the middle."""
    if given.box is None or given.box == given.canvas:
        return ""
    width, height = given.box
    into = f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    return f"{into},pad={width}:{height}:-1:-1:black,setsar=1"


def _view(given: Plan, number: int, view: View) -> list[str]:
    """Each clip at the plan's rate and size and at its time, then all of them, black up to the end."""
    before = 0
    chains = []
    for clip, turned in zip(view.clips, view.turns, strict=True):
        gap = clip.first - before
        chains.append(f"[{clip.input}:v:0]{_clip(given, view, clip, turned, gap)}[i{clip.input}]")
        before = clip.first + clip.frames
    joined = "".join(f"[i{clip.input}]" for clip in view.clips)
    join = f"concat=n={len(view.clips)}:v=1:a=0," if len(view.clips) > 1 else ""
    counted = f"setpts=N/({given.rate}*TB),trim=end_frame={given.frames}"
    rest = f"tpad=stop=-1:stop_mode=add:{_BLACK},{counted}"
    return [*chains, f"{joined}{join}{rest}[v{number}]"]


def _clip(given: Plan, view: View, clip: Placed, turned: Turn, gap: int) -> str:
    """Timed, exactly as many frames as it fills, in the view's size; black in front for the gap."""
    exact = f"tpad=stop=2:stop_mode=clone,trim=end_frame={clip.frames}"
    black = f",tpad=start={gap}:start_mode=add:{_BLACK}" if gap else ""
    picture = (
        f"{_lens(given)}{_turned(turned)}scale={view.width}:{view.height}:out_range=tv,"
        "setsar=1,format=yuv420p"
    )
    return f"{_timed(clip)},fps={given.rate},{exact},{picture}{black}"


def _timed(clip: Placed) -> str:
    times = "PTS-STARTPTS"
    if clip.pace != 1.0:
        times = f"({times})*{clip.pace:.9f}"
    return f"setpts={times}{clip.shift:+.6f}/TB" if clip.shift else f"setpts={times}"


def _lens(given: Plan) -> str:
    k1, k2 = given.lens
    return f"lenscorrection=k1={k1:g}:k2={k2:g}:i=bilinear," if given.lens != (0.0, 0.0) else ""


def _turned(turned: Turn) -> str:
    quarters = _QUARTERS[turned.quarters]
    if not turned.degrees:
        return quarters
    width, height = turned.kept
    return f"{quarters}rotate={math.radians(turned.degrees):.6f},crop={width}:{height},"


def _seam(given: Plan, end: str) -> list[str]:
    first, second = given.views
    width, height = first.width, first.height
    lap, axis = given.overlap, "Y" if given.stacked else "X"
    if given.stacked:
        own_first, edge_first = _crop(width, height - lap), _crop(width, lap, y=height - lap)
        own_second, edge_second = _crop(width, second.height - lap, y=lap), _crop(width, lap)
        mask = (width, lap)
    else:
        own_first, edge_first = _crop(width - lap, height), _crop(lap, height, x=width - lap)
        own_second = _crop(second.width - lap, height, x=lap)
        edge_second = _crop(lap, height)
        mask = (lap, height)
    return [
        f"[v0]split[a0][b0];[a0]{own_first}[own0];[b0]{edge_first}[edge0]",
        f"[v1]split[a1][b1];[a1]{own_second}[own1];[b1]{edge_second}[edge1]",
        f"{_gradient(*mask, axis, given)}[mask]",
        "[edge0][edge1][mask]maskedmerge[seam]",
        f"[own0][seam][own1]{_stack(given)}=inputs=3{end}",
    ]


def _stack(given: Plan) -> str:
    return "vstack" if given.stacked else "hstack"


def _crop(width: int, height: int, x: int = 0, y: int = 0) -> str:
    return f"crop={width}:{height}:{x}:{y}"


def _gradient(width: int, height: int, axis: str, given: Plan) -> str:
    """0 to 255 across the seam in all three planes: one frame, then looped."""
    level = "255*X/W" if axis == "X" else "255*Y/H"
    return (
        f"color=c=black:s={width}x{height}:r={given.rate},trim=end_frame=1,format=yuv420p,"
        f"geq=lum='{level}':cb='{level}':cr='{level}',"
        f"loop=loop=-1:size=1,setpts=N/({given.rate}*TB),trim=end_frame={given.frames}"
    )
