"""Greater of a tensor and a smaller constant -> the same with the constant in the tensor's shape.

Why     OpenCV 4.5.5 and 4.6.0 compare with one number only where the tensor's first axis is 1
Before  m = Greater(x, c)      c constant
After   m = Greater(x, Expand(c, x.shape)), folded
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _comparing as comparing
from converter.rewrites import rule


@rule("Greater", max_error=0.0)
def greater_fill_constant(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return comparing.with_a_full_constant(node, tape)
