"""Sub of broadcast operands -> Expand of one, Sub.

Why     OpenCV 4.6.0 and older subtract a tensor that is broadcast along the first or along the last axes only;
        other rules know how to repeat numbers where Expand itself is refused
Before  y = Sub(a, b)
After   y = Sub(a, Expand(b, y.shape))      or the same with a, where that is smaller; a constant is repeated in the file
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Sub", max_error=0.0)
def sub_expand_operand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_an_expanded_operand(node, tape)
