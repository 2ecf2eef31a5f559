"""Where with a constant mask -> Min and Max with infinities.

Why     OpenCV 4.x takes no BOOL constant. Min(a, +inf) is a and Min(a, -inf) is -inf, so what the mask hides loses every
        Max: exact for all numbers and infinities (attention masks fill with -inf; a product would give 0 * inf = NaN)
Before  y = Where(mask, a, b)      mask constant
After   y = Max(Min(a, +inf where mask, else -inf), Min(b, -inf where mask, else +inf));  a constant branch's Min is folded
Error   0 where no branch is NaN: a hidden NaN shows in y
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of, is_constant
from converter.rewrites import MAX_FOLDED, Decline, constant, float32, new_constant, rule, shape_of


@rule("Where", max_error=0.0)
def where_by_min_max(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    mask = constant(node.inputs[0], "the mask")
    a, b = (float32(value, "a branch") for value in node.inputs[1:])
    shapes = [shape_of(value, "a branch") for value in (a, b)]
    after = shape_of(node.outputs[0], "the output")
    if is_constant(a) and is_constant(b):
        raise Decline("both branches are constant: the result is too")
    if (count := int(np.prod(after))) > MAX_FOLDED:
        raise Decline(f"a limit would have {count} elements, more than {MAX_FOLDED}")

    limit = np.where(mask, np.float32(np.inf), np.float32(-np.inf))
    sides = []
    for value, shape, bound in ((a, shapes[0], limit), (b, shapes[1], -limit)):
        # OpenCV does not broadcast both operands of one op: expand the constant when the tensor is expanded
        bound = (
            np.broadcast_to(bound, after)
            if shape != after
            else bound.reshape((1,) * (len(after) - bound.ndim) + bound.shape)
        )
        array = array_of(value)
        if array is not None:
            sides.append(new_constant(tape, np.minimum(array, bound)))
        else:
            sides.append(tape.op("Min", [value, new_constant(tape, bound)]))
    return tape.op("Max", sides)
