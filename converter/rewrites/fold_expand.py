"""Expand of a constant -> the expanded constant.

Why     OpenCV 4.x refuses most Expands, and a constant needs none
Before  y = Expand(c, shape)      c and shape constant
After   y = the array
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, constant, new_constant, pass_on, rule


@rule("Expand", max_error=0.0)
def fold_expand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    array = constant(node.inputs[0], "the input")
    shape = constant(node.inputs[1], "the shape")
    target = np.broadcast_shapes(array.shape, tuple(int(extent) for extent in shape))
    if (count := int(np.prod(target))) > MAX_FOLDED:
        raise Decline(f"the constant would have {count} elements, more than {MAX_FOLDED}")
    return pass_on(node, tape, new_constant(tape, np.broadcast_to(array, target)))
