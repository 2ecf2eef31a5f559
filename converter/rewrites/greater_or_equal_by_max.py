"""GreaterOrEqual -> Equal of the larger one and the left one.

Why     OpenCV 4.6.0 and older know no GreaterOrEqual
Before  m = GreaterOrEqual(x, y)
After   m = Equal(Max(x, y), x)
Error   0: for infinities, zeros of both signs and NaN too
"""

import onnx_ir as ir

from converter.rewrites import float32, rule


@rule("GreaterOrEqual", max_error=0.0)
def greater_or_equal_by_max(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, y = (float32(value, "an operand") for value in node.inputs)
    return tape.op("Equal", [tape.op("Max", [x, y]), x])
