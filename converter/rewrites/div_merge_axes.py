"""Div of broadcast operands -> Reshape to as few axes as there are ways to meet, Div, Reshape.

Why     OpenCV 4.6.0 and older divide by a tensor that is broadcast in some ways only;
        4.7.0 to 4.14.0 fail where the ranks differ. With axes merged that are broadcast alike, few forms are left, of one rank
Before  y = Div(a, b)
After   y = Reshape(Div(Reshape(a), Reshape(b)), y.shape)      [4, 6, 7, 9] with [4, 6, 1, 1] as [1, 24, 63] with [1, 24, 1]
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Div", max_error=0.0)
def div_merge_axes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_merged_axes(node, tape)
