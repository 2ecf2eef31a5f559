"""ReduceMax of any axes -> MaxPool with a window of [R, 1], or GlobalMaxPool.

Why     OpenCV 4.8.1 takes the maximum of the wrong elements unless the axis is the last of three; 4.5.5 refuses axes that
        are an input. Both pool rightly. Axes apart are pooled one after the other
Before  y = ReduceMax<keepdims>(x, axes)
After   y = Reshape(MaxPool<kernel_shape=[R, 1]>(Reshape(x, [B, 1, R, A])), y.shape)
        where A is 1, GlobalMaxPool(Reshape(x, [1, B, R])) in the middle
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceMax", max_error=0.0)
def reduce_max_by_max_pool(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return reductions.by_pool(node, tape, "Max")
