"""Reciprocal -> Div of one.

Why     OpenCV 4.5.5 knows no Reciprocal
Before  y = Reciprocal(x)
After   y = Div(1, x)
Error   0: the same division
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("Reciprocal", max_error=0.0)
def reciprocal_by_div(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return tape.op("Div", [scalar(tape, 1.0), float32(node.inputs[0], "the input")])
