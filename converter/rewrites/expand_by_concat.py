"""Expand -> Concat of the input with itself, one per dimension that grows.

Why     OpenCV 4.8.1 and older refuse an Expand of several dimensions; Concat runs right on every OpenCV measured
Before  y = Expand(x, shape)
After   y = Concat<axis>(r, r, ...)      r = Reshape(x) where the rank grows
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of

MAX_COPIES = 512


@rule("Expand", max_error=0.0)
def expand_by_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    padded = (1,) * (len(after) - len(before)) + before
    growing = [axis for axis, (old, new) in enumerate(zip(padded, after, strict=True)) if old != new]
    if not growing:
        raise Decline("nothing grows")
    if (most := max(after[axis] for axis in growing)) > MAX_COPIES:
        raise Decline(f"a Concat of {most} copies is too many; up to {MAX_COPIES} were measured")

    if padded != before:
        x = tape.op("Reshape", [x, indices(tape, padded)])
    for axis in reversed(growing):  # the innermost first: the long copies are made once
        x = tape.op("Concat", [x] * after[axis], {"axis": axis})
    return x
