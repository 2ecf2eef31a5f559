"""Expand -> Mul with ones.

Why     OpenCV 4.8.1 and older refuse an Expand of several dimensions
Before  y = Expand(x, shape)
After   y = Mul(Reshape(x), ones)      the Reshape only where the rank grows
Error   0: one is exact
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, float32, indices, new_constant, rule, shape_of


@rule("Expand", max_error=0.0)
def expand_by_mul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if (count := int(np.prod(after))) > MAX_FOLDED:
        raise Decline(f"the ones would be {count} elements, more than {MAX_FOLDED}")
    if len(before) < len(after):
        x = tape.op("Reshape", [x, indices(tape, (1,) * (len(after) - len(before)) + before)])
    return tape.op("Mul", [x, new_constant(tape, np.ones(after, np.float32))])
