"""What the tests of the rules for TopK share."""

from __future__ import annotations

CASES = [
    ((10,), 0, 3),
    ((1, 20), 1, 1),
    ((1, 20), -1, 20),
    ((3, 9), 0, 2),
    ((2, 3, 7), -1, 4),
    ((2, 7, 3), 1, 4),
    ((1, 7, 1), 1, 4),
    ((2, 3, 4, 5), 2, 2),
]
"""Shape, axis, k."""


def text(shape: tuple[int, ...], axis: int, k: int, largest: int, read: str) -> str:
    """A TopK of whose outputs `read` ("values", "places", "both") are the graph's."""
    after = [k if a == axis % len(shape) else extent for a, extent in enumerate(shape)]
    kind = ",".join(map(str, after))
    outputs = {"values": f"float[{kind}] y", "places": f"int64[{kind}] i", "both": f"float[{kind}] y, int64[{kind}] i"}
    extents = ",".join(map(str, shape))
    return f"(float[{extents}] x) => ({outputs[read]}) {{ y, i = TopK<axis={axis}, largest={largest}>(x, k) }}"
