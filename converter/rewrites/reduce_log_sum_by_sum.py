"""ReduceLogSum -> Log of the ReduceSum.

Why     OpenCV 4.5.5 knows no ReduceLogSum, and 4.8.1 takes the wrong elements unless the axis is the last of three
Before  y = ReduceLogSum<keepdims>(x, axes)
After   y = Log(ReduceSum<keepdims>(x, axes))
Error   1e-6: summed in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceLogSum", max_error=1e-6)
def reduce_log_sum_by_sum(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, _, _ = reductions.reduced_axes(node)
    return tape.op("Log", [reductions.same_axes(node, tape, "ReduceSum", x)])
