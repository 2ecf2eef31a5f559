"""ReduceL1 -> ReduceSum of the absolute values.

Why     OpenCV 4.5.5 knows no ReduceL1, and 4.8.1 takes the wrong elements unless the axis is the last of three
Before  y = ReduceL1<keepdims>(x, axes)
After   y = ReduceSum<keepdims>(Abs(x), axes)
Error   1e-6: summed in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceL1", max_error=1e-6)
def reduce_l1_by_sum(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, _, _ = reductions.reduced_axes(node)
    return reductions.same_axes(node, tape, "ReduceSum", tape.op("Abs", [x]))
