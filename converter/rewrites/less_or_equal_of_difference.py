"""LessOrEqual of two operands -> LessOrEqual of their difference and zero; of whole numbers -> the same of float32.

Why     OpenCV up to 4.6.0 broadcasts one operand of a comparison in some ways only, and 4.x gets a constant on the left
        and constant whole numbers wrong; a difference has rules of its own
Before  m = LessOrEqual(x, y)
After   m = LessOrEqual(Sub(x, y), 0)
        of whole numbers m = LessOrEqual(Cast<to=FLOAT>(x), Cast<to=FLOAT>(y)), exact below 2**24
Error   0 where the operands are not infinite with one sign: their difference is NaN
"""

import onnx_ir as ir

from converter.rewrites import _comparing as comparing
from converter.rewrites import rule


@rule("LessOrEqual", max_error=0.0)
def less_or_equal_of_difference(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return comparing.of_difference(node, tape)
