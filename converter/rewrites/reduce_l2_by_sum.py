"""ReduceL2 -> Sqrt of the ReduceSum of the squares.

Why     OpenCV 4.5.5 knows no ReduceL2, and 4.8.1 takes the wrong elements unless the axis is the last of three
Before  y = ReduceL2<keepdims>(x, axes)
After   y = Sqrt(ReduceSum<keepdims>(Mul(x, x), axes))
Error   1e-6: summed in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceL2", max_error=1e-6)
def reduce_l2_by_sum(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, _, _ = reductions.reduced_axes(node)
    return tape.op("Sqrt", [reductions.same_axes(node, tape, "ReduceSum", tape.op("Mul", [x, x]))])
