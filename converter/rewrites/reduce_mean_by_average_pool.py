"""ReduceMean of any axes -> AveragePool with a window of [R, 1], or GlobalAveragePool.

Why     OpenCV 4.8.1 takes the mean of the wrong elements unless the axis is the last of three; 4.5.5 refuses axes that are an
        input. Both pool rightly. Axes apart are pooled one after the other
Before  y = ReduceMean<keepdims>(x, axes)
After   y = Reshape(AveragePool<kernel_shape=[R, 1]>(Reshape(x, [B, 1, R, A])), y.shape)
        where A is 1, GlobalAveragePool(Reshape(x, [1, B, R])) in the middle
Error   1e-6: the mean is summed in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceMean", max_error=1e-6)
def reduce_mean_by_average_pool(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return reductions.by_pool(node, tape, "Average")
