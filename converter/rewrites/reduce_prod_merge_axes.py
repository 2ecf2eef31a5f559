"""ReduceProd of any axes -> Reshape to [B, R, A], ReduceProd of one axis, Reshape; one after the other for axes apart.

Why     OpenCV 4.8.1 to 5.0.0 (classic) reduce three axes and more wrongly (relative error 2), 4.9.0 also axis 0 and rank 5;
        4.5.5 refuses two axes that are not the last, and rank 2
Before  y = ReduceProd<keepdims>(x, axes)      any axes
After   y = Reshape(ReduceProd<keepdims=1>(Reshape(x, [B, R, A]), [1]), y.shape);  [1, B, R] and axis 2 where A is 1
Error   1e-6: multiplied in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceProd", max_error=1e-6)
def reduce_prod_merge_axes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return reductions.with_merged_axes(node, tape)
