"""Expand by a large factor -> two Expands by its two halves, as factors.

Why     an Expand becomes a Concat of copies where a version knows none, and that of very many copies is slow
Before  y = Expand(x, shape)      one dimension grows from 1 to n = a * b
After   y = Reshape(Expand(Expand(x', [outer, 1, a, inner]), [outer, b, a, inner]), y.shape)
        x' = Reshape(x, [outer, 1, 1, inner])
Error   0: the same numbers
"""

from math import isqrt, prod

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of

MANY = 512


@rule("Expand", max_error=0.0)
def expand_in_two_steps(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    padded = (1,) * (len(after) - len(before)) + before
    growing = [axis for axis, (old, new) in enumerate(zip(padded, after, strict=True)) if old != new]
    if len(growing) != 1 or after[growing[0]] <= MANY:
        raise Decline(f"it does not grow one dimension to more than {MANY}")
    axis = growing[0]
    count = after[axis]
    near = next(factor for factor in range(isqrt(count), 0, -1) if count % factor == 0)
    if near == 1:
        raise Decline(f"{count} copies have no two factors")

    outer, inner = prod(after[:axis]), prod(after[axis + 1 :])
    y = tape.op("Reshape", [x, indices(tape, (outer, 1, 1, inner))])
    y = tape.op("Expand", [y, indices(tape, (outer, 1, near, inner))])
    y = tape.op("Expand", [y, indices(tape, (outer, count // near, near, inner))])
    return tape.op("Reshape", [y, indices(tape, after)])
