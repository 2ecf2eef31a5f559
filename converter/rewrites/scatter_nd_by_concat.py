"""ScatterND into a box of constant position -> Concat of what stays and what is written, axis by axis.

Why     OpenCV 4.8.1 and older know no ScatterND; x[:, 1:, 1:] = v is exported as one
Before  y = ScatterND(x, i, v)      i constant, its positions those of a box x[a0:b0, a1:b1, ...], in order
After   y = Concat<axis>(Slice(x), v, Slice(x)) for each axis that the box does not fill, the innermost first
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, pass_on, rule, shape_of


@rule("ScatterND", max_error=0.0)
def scatter_nd_by_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, updates = float32(node.inputs[0], "the input"), float32(node.inputs[2], "what is written")
    shape, written = shape_of(x, "the input"), shape_of(updates, "what is written")
    positions = constant(node.inputs[1], "the indices")
    if node.attributes.get_string("reduction", "none") != "none":
        raise Decline("it adds to what is there, or multiplies it")
    if not positions.size:
        raise Decline("nothing is written")
    starts, ends = _box(positions, shape)
    extents = tuple(end - start for start, end in zip(starts, ends, strict=True))

    y = updates
    if written != extents:
        y = tape.op("Reshape", [updates, indices(tape, extents)])
    for axis in reversed(range(len(shape))):
        start, end = starts[axis], ends[axis]
        if (start, end) == (0, shape[axis]):
            continue
        # outside of this axis as far as the box goes, and inside of it whole: the inner axes are filled by now
        around = [(starts[a], ends[a]) for a in range(axis)]
        parts = [_slice(x, [*around, (0, start)], shape, tape)] if start else []
        parts.append(y)
        if end < shape[axis]:
            parts.append(_slice(x, [*around, (end, shape[axis])], shape, tape))
        y = tape.op("Concat", parts, {"axis": axis})
    return pass_on(node, tape, y) if y is updates else y


def _box(positions: np.ndarray, shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The starts and ends of the box that the indices name in order, or decline."""
    depth = positions.shape[-1]
    flat = positions.reshape(-1, depth) % np.array(shape[:depth])
    starts = [int(n) for n in flat[0]]
    ends = [int(n) + 1 for n in flat[-1]]
    extents = [end - start for start, end in zip(starts, ends, strict=True)]
    if min(extents) < 1 or int(np.prod(extents)) != len(flat):
        raise Decline("the positions written are not those of one box")
    box = np.indices(extents).reshape(depth, -1).T + np.array(starts)
    if not np.array_equal(box, flat):
        raise Decline("the positions written are not those of one box, in order")
    return starts + [0] * (len(shape) - depth), ends + list(shape[depth:])


def _slice(x: ir.Value, ranges: list[tuple[int, int]], shape: tuple[int, ...], tape: ir.tape.Tape) -> ir.Value:
    """The part of x within the ranges of its first axes."""
    cut = [(start, end, axis) for axis, (start, end) in enumerate(ranges) if (start, end) != (0, shape[axis])]
    starts, ends, axes = zip(*cut, strict=True)
    return tape.op("Slice", [x, *(indices(tape, column) for column in (starts, ends, axes, [1] * len(cut)))])
