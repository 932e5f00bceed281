"""Values and texts as nobody should write them, for Hypothesis."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

#: what stands in a document in the place of a text of this name
_RAW = {
    "@nan": "NaN",
    "@infinity": "-Infinity",
    "@huge": "1e400",
    "@long": "1" * 10_000,
    "@tiny": "1e-400",
    "@deep": "[" * 500 + "]" * 500,
    "@deeper": '{"a":' * 2000 + "1" + "}" * 2000,
    "@bottomless": "[" * 100_000,
    "@twice": '{"a": 1, "a": {"a": 2}, "kind": 3, "kind": "x"}',
    "@broken": '"\\ud800"',
}
TEXTS = st.text(max_size=40) | st.sampled_from(
    (
        *(
            "\x1b[31mred",
            "\x1b]0;title\x07",
            "\x9b2J",
            "a\nb",
            "a\rb",
            "\0",
            "\ud800",
            "\u202e",
            "‮",
        ),
        *("../../etc/passwd", "/etc/passwd", "%s %d {x}", "{ezrec}", "{0.__class__}", "x" * 5000),
        *(
            "recorded",
            "merged",
            "completed",
            "failed",
            "idle",
            "merge",
            "upload",
            "push",
            "push:idle",
        ),
        *(".done", ".merged", ".error", ".lock", "finished", "parked", "postponed", "interrupted"),
    )
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-1, 0, 1, 1 << 31, 1 << 63, 1 << 100, -(1 << 63), 10**30, 1e300, 0.0, -0.0])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.sampled_from(sorted(_RAW))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def written(value: Any) -> bytes:
    """The document, with what JSON forbids or only just allows in the place of its names."""
    text = json.dumps(value)
    for name, raw in _RAW.items():
        text = text.replace(json.dumps(name), raw)
    return text.encode()


def objects(*keys: str) -> st.SearchStrategy[bytes]:
    """A document with some of these keys, each with anything in it; or no document at all."""
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, VALUES))
    return (known | VALUES).map(written) | st.binary(max_size=60)
