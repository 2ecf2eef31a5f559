"""Add of broadcast operands -> Expand of one, Add.

Why     OpenCV 4.6.0 and older add a tensor that is broadcast along the first or along the last axes, no other way;
        other rules know how to repeat numbers where Expand itself is refused
Before  y = Add(a, b)
After   y = Add(a, Expand(b, y.shape))      or the same with a, where that is smaller; a constant is repeated in the file
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Add", max_error=0.0)
def add_expand_operand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_an_expanded_operand(node, tape)
