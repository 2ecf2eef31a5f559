"""ReduceMin -> ReduceMax of the negated input, negated.

Why     OpenCV 4.5.5 knows no ReduceMin, and 4.8.1 takes the minimum of the wrong elements; a maximum can be pooled
Before  y = ReduceMin<keepdims>(x, axes)
After   y = Neg(ReduceMax<keepdims>(Neg(x), axes))
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _reductions as reductions
from converter.rewrites import rule


@rule("ReduceMin", max_error=0.0)
def reduce_min_by_max(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, _, _ = reductions.reduced_axes(node)
    return tape.op("Neg", [reductions.same_axes(node, tape, "ReduceMax", tape.op("Neg", [x]))])
