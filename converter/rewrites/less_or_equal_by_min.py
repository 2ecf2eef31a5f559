"""LessOrEqual -> Equal of the smaller one and the left one.

Why     OpenCV 4.6.0 and older know no LessOrEqual
Before  m = LessOrEqual(x, y)
After   m = Equal(Min(x, y), x)
Error   0: for infinities, zeros of both signs and NaN too
"""

import onnx_ir as ir

from converter.rewrites import float32, rule


@rule("LessOrEqual", max_error=0.0)
def less_or_equal_by_min(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, y = (float32(value, "an operand") for value in node.inputs)
    return tape.op("Equal", [tape.op("Min", [x, y]), x])
