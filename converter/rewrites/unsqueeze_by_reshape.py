"""Unsqueeze -> Reshape.

Why     OpenCV 4.x and 5.0.0's classic engine refuse an Unsqueeze of more than one axis
Before  y = Unsqueeze(x, axes)
After   y = Reshape(x, y.shape)
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import indices, rule, shape_of


@rule("Unsqueeze", max_error=0.0)
def unsqueeze_by_reshape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return tape.op("Reshape", [node.inputs[0], indices(tape, shape_of(node.outputs[0], "the output"))])
