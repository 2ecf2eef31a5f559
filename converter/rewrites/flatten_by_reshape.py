"""Flatten -> Reshape.

Why     OpenCV 4.x refuses a Flatten at the end of the axes
Before  y = Flatten<axis>(x)
After   y = Reshape(x, y.shape)
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import indices, rule, shape_of


@rule("Flatten", max_error=0.0)
def flatten_by_reshape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return tape.op("Reshape", [node.inputs[0], indices(tape, shape_of(node.outputs[0], "the output"))])
