"""Squeeze -> Reshape.

Why     OpenCV 4.x squeezes nothing when the axes are left out, and 4.5.5 refuses axes that are an input
Before  y = Squeeze(x, axes)
After   y = Reshape(x, y.shape)
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import indices, rule, shape_of


@rule("Squeeze", max_error=0.0)
def squeeze_by_reshape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return tape.op("Reshape", [node.inputs[0], indices(tape, shape_of(node.outputs[0], "the output"))])
