"""Max with a constant or the smaller tensor on the left -> the same with it on the right.

Why     OpenCV 4.6.0 and older broadcast the right operand in more ways than the left
Before  y = Max(c, x)
After   y = Max(x, c)
Error   0: the op is commutative
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Max", max_error=0.0)
def max_swap_operands(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_swapped_operands(node, tape)
