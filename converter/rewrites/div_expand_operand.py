"""Div of broadcast operands -> Expand of one, Div.

Why     OpenCV 4.6.0 and older divide by a tensor that is broadcast in some ways only;
        other rules know how to repeat numbers where Expand itself is refused
Before  y = Div(a, b)
After   y = Div(a, Expand(b, y.shape))      or the same with a, where that is smaller; a constant is repeated in the file
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Div", max_error=0.0)
def div_expand_operand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_an_expanded_operand(node, tape)
