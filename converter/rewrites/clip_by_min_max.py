"""Clip -> Max with the lower limit, Min with the upper.

Why     OpenCV 4.6.0 and older take no Clip with its limits as inputs; no 4.x takes limits that are computed
Before  y = Clip(x, low, high)
After   y = Min(Max(x, low), high);  a limit that is left out has no op
Error   0 where no number is NaN: the same comparisons
"""

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import float32, optional_input, pass_on, rule, scalar


@rule("Clip", max_error=0.0)
def clip_by_min_max(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = y = float32(node.inputs[0], "the input")
    for position, op in ((1, "Max"), (2, "Min")):
        limit = optional_input(node, position)
        if limit is None:
            continue
        array = array_of(float32(limit, "a limit"))
        y = tape.op(op, [y, limit if array is None else scalar(tape, float(array.ravel()[0]))])
    return pass_on(node, tape, y) if y is x else y
