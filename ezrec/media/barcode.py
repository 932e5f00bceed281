"""The machine-readable frame counter of the synthetic cameras: 32 blocks in two rows. Pure.

Block by block, the first row's left end first, the most significant bit first:
start 1101, camera (4 bits), frame number (20 bits), end 0010. White is 1.
It stands away from the picture's edges, where a merge blends two views into each other.
"""

from __future__ import annotations

from dataclasses import dataclass

START, END = (1, 1, 0, 1), (0, 0, 1, 0)
COLUMNS, ROWS = 16, 2
CAMERA_BITS, FRAME_BITS = 4, 20
LEAST_WIDTH, LEAST_HEIGHT = 256, 128
_BRIGHT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A square of the barcode: pixels from the view's top left corner."""

    x: int
    y: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the barcode of one frame says. `frame` counts from 0 and starts anew after 2^20."""

    camera: int
    frame: int


def fits(width: int, height: int) -> bool:
    """Whether a picture of this size has room for the barcode."""
    return width >= LEAST_WIDTH and height >= LEAST_HEIGHT


def blocks(width: int, height: int) -> tuple[Block, ...]:
    """Where each of the 32 bits stands in a view of this size; at least 16 pixels square."""
    size = max(16, min(width // 40, height // 12) // 2 * 2)
    left, top = (width - COLUMNS * size) // 4 * 2, 4 * size
    return tuple(
        Block(x=left + column * size, y=top + row * size, size=size)
        for row in range(ROWS)
        for column in range(COLUMNS)
    )


def filters(width: int, height: int, camera: int) -> list[str]:
    """ffmpeg's filters that burn the counter in; `n` is the number of the frame. Empty: no room."""
    if not fits(width, height):
        return []
    places = blocks(width, height)
    ground = _box(places[0], "black", columns=COLUMNS, rows=ROWS)
    fixed = [*START, *_bits(camera, CAMERA_BITS), *[0] * FRAME_BITS, *END]
    drawn = [_box(place, "white") for place, bit in zip(places, fixed, strict=True) if bit]
    first = len(START) + CAMERA_BITS
    counted = [
        f"{_box(places[first + bit], 'white')}:enable='bitand(n,{1 << (FRAME_BITS - 1 - bit)})'"
        for bit in range(FRAME_BITS)
    ]
    return [ground, *drawn, *counted]


def read(
    luma: bytes, stride: int, width: int, height: int, x: int = 0, y: int = 0
) -> Reading | None:
    """The barcode of the view of `width` times `height` pixels whose corner is at (`x`, `y`).

    `luma` is the Y plane of the whole picture, `stride` bytes a row. None where no barcode is read.
    """
    last = blocks(width, height)[-1]
    if not fits(width, height) or (y + last.y + last.size) * stride > len(luma):
        return None
    bits = [
        int(_brightness(luma, stride, x + block.x, y + block.y, block.size) >= _BRIGHT)
        for block in blocks(width, height)
    ]
    if tuple(bits[:4]) != START or tuple(bits[-4:]) != END:
        return None
    return Reading(camera=_number(bits[4:8]), frame=_number(bits[8:-4]))


def _brightness(luma: bytes, stride: int, x: int, y: int, size: int) -> float:
    """The mean of the block's inner half."""
    quarter = size // 4
    rows = range(y + quarter, y + size - quarter)
    picked = b"".join(
        luma[r * stride + x + quarter : r * stride + x + size - quarter] for r in rows
    )
    return sum(picked) / max(len(picked), 1)


def _box(block: Block, colour: str, columns: int = 1, rows: int = 1) -> str:
    width, height = block.size * columns, block.size * rows
    return f"drawbox=x={block.x}:y={block.y}:w={width}:h={height}:color={colour}:t=fill"


def _bits(number: int, count: int) -> list[int]:
    return [number >> bit & 1 for bit in reversed(range(count))]


def _number(bits: list[int]) -> int:
    return int("".join(map(str, bits)), 2)
