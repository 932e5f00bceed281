"""JSON that anybody may have written: finite, of a sane depth and of the shape that is expected. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

#: what the value of each key has to fit
Shape = Mapping[str, Callable[[Any], bool]]

#: No document of ours is nested half as deep. What is read has to be writable again: the encoder
#: gives up at a lesser depth than the decoder.
DEEPEST = 64
_LONGEST_NUMBER = 40
#: more than any pid, length or start time
_HUGE = 1 << 53
_MOST = 1000


def parse(text: bytes) -> Any:
    """The value that `text` holds. Raises ValueError with what is wrong in a few words."""
    try:
        value = _DECODER.decode(text.decode().removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if text.count(b"[") + text.count(b"{") > DEEPEST and _is_deep(value):
        raise ValueError("it is nested too deep")
    return value


def _not_finite(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:_LONGEST_NUMBER]} is too large a number")
    return number


def _counted(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits is too large")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_not_finite, parse_float=_finite, parse_int=_counted)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [below for each in level for below in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in inside if isinstance(each, dict | list)]


def shaped(
    record: Mapping[str, Any], shape: Shape, needed: frozenset[str]
) -> dict[str, Any] | None:
    """What of `record` fits: its keys that `shape` has; None where a `needed` one is not among them."""
    known = {key: record[key] for key, fits in shape.items() if key in record and fits(record[key])}
    return known if needed <= known.keys() else None


def is_text(value: Any) -> bool:
    """Text, of any length."""
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    """A whole number that is not negative and not beyond all reason: a pid, a start time."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HUGE


def is_amount(value: Any) -> bool:
    """A number that is not negative and not beyond all reason."""
    return (isinstance(value, float) and 0 <= value < _HUGE) or is_count(value)


def is_code(value: Any) -> bool:
    """An exit status or a signal's number; None where there is none."""
    return value is None or (is_count(value) and value < 256)


def is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A list, not too long, all of whose members fit."""
    return lambda value: isinstance(value, list) and len(value) <= _MOST and all(map(fits, value))
