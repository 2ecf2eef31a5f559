"""ReduceLogSumExp -> m + Log(ReduceSum(Exp(x - m))) with the maximum m.

Why     OpenCV 4.5.5 knows no ReduceLogSumExp; 4.6.0 and newer take the exponential of x itself: infinity above 88
Before  y = ReduceLogSumExp<keepdims>(x, axes)
After   m = ReduceMax<keepdims=1>(x, axes);  s = ReduceSum<keepdims=1>(Exp(Sub(x, m)), axes)
        y = Reshape(Add(Log(s), m), y.shape)
Error   1e-6: summed in another order
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import indices, rule, shape_of


@rule("ReduceLogSumExp", max_error=1e-6)
def reduce_log_sum_exp_by_max(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, _, _ = reductions.reduced_axes(node)
    top = reductions.same_axes(node, tape, "ReduceMax", x, keepdims=1)
    total = reductions.same_axes(node, tape, "ReduceSum", tape.op("Exp", [tape.op("Sub", [x, top])]), keepdims=1)
    y = tape.op("Add", [tape.op("Log", [total]), top])
    return tape.op("Reshape", [y, indices(tape, shape_of(node.outputs[0], "the output"))])
