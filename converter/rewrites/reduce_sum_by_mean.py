"""ReduceSum -> ReduceMean, times the number of elements.

Why     OpenCV 4.8.1 sums the wrong elements unless the axis is the last of three; a mean can be pooled
Before  y = ReduceSum<keepdims>(x, axes)
After   y = Mul(ReduceMean<keepdims>(x, axes), R)
Error   1e-6: two roundings more
"""

from math import prod

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule, scalar


@rule("ReduceSum", max_error=1e-6)
def reduce_sum_by_mean(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, shape, axes = reductions.reduced_axes(node)
    count = prod(shape[axis] for axis in axes)
    return tape.op("Mul", [reductions.same_axes(node, tape, "ReduceMean", x), scalar(tape, count)])
