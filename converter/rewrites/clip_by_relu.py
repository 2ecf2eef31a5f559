"""Clip from 0 up -> Relu.

Why     OpenCV 4.6.0 and older take no Clip with its limits as inputs
Before  y = Clip(x, 0)
After   y = Relu(x)
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, optional_input, rule


@rule("Clip", max_error=0.0)
def clip_by_relu(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    low = constant(optional_input(node, 1), "the lower limit")
    if low.ravel()[0] != 0:
        raise Decline(f"the lower limit is {low.ravel()[0]:g}")
    if optional_input(node, 2) is not None:
        raise Decline("it has an upper limit")
    return tape.op("Relu", [x])
