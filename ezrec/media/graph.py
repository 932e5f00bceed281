"""From the plan of a picture to ffmpeg's filter graph. Pure.

The seam is that of the original: `A * (1 - X/W) + B * (X/W)` over the width of the feather. Its
gradient is drawn once and looped: an expression evaluated for each pixel of each frame costs as much
as the encoder.
"""

from __future__ import annotations

from ezrec.media.plan import Plan, View


def filter_graph(given: Plan) -> str:
    """The value of `-filter_complex`; its output is labelled `[out]`."""
    chains = [
        chain for number, view in enumerate(given.views) for chain in _view(given, number, view)
    ]
    if len(given.views) == 1:
        chains.append("[v0]null[out]")
    elif not given.overlap:
        chains.append(f"[v0][v1]{_stack(given)}=inputs=2[out]")
    else:
        chains += _seam(given)
    return ";".join(chains)


def _view(given: Plan, number: int, view: View) -> list[str]:
    """Each part at the plan's rate and size, the parts joined, black up to the plan's length."""
    parts = [
        f"[{source}:v:0]setpts=PTS-STARTPTS,fps={given.rate},"
        f"scale={view.width}:{view.height}:out_range=tv,setsar=1,format=yuv420p[i{source}]"
        for source in view.inputs
    ]
    joined = "".join(f"[i{source}]" for source in view.inputs)
    join = f"concat=n={len(view.inputs)}:v=1:a=0," if len(view.inputs) > 1 else ""
    rest = f"tpad=stop=-1:stop_mode=add:color=black,trim=end_frame={given.frames}"
    return [*parts, f"{joined}{join}{rest}[v{number}]"]


def _seam(given: Plan) -> list[str]:
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
        f"[own0][seam][own1]{_stack(given)}=inputs=3[out]",
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
