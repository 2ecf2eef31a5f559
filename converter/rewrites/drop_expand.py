"""Expand to the shape that the input has already -> the input.

Why     exporters write it, and OpenCV 4.8.1 and older refuse most Expands
Before  y = Expand(x, x.shape)
After   y = x      (through Identity where y is the graph's output)
Error   0: the same tensor
"""

import onnx_ir as ir

from converter.rewrites import Decline, pass_on, rule, shape_of


@rule("Expand", max_error=0.0)
def drop_expand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if before != after:
        raise Decline(f"it does expand: {list(before)} to {list(after)}")
    assert x is not None
    return pass_on(node, tape, x)
