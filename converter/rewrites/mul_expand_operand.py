"""Mul of broadcast operands -> Expand of one, Mul.

Why     OpenCV 4.6.0 and older multiply by a tensor that is broadcast in some ways only;
        other rules know how to repeat numbers where Expand itself is refused
Before  y = Mul(a, b)
After   y = Mul(a, Expand(b, y.shape))      or the same with a, where that is smaller; a constant is repeated in the file
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Mul", max_error=0.0)
def mul_expand_operand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_an_expanded_operand(node, tape)
