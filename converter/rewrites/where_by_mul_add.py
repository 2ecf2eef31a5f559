"""Where with a constant mask -> Mul by 0 and 1, and Add.

Why     OpenCV 4.x takes no BOOL constant. 4.5.5 refuses the Max of where_by_min_max too; this it runs where the mask has
        the tensor's own shape
Before  y = Where(mask, a, b)      mask constant
After   y = a * mask + b * (1 - mask);  the product of a constant branch is folded, and an infinite fill is only added
Error   0 where both branches are finite at run time: 0 * inf is NaN
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of, is_constant
from converter.rewrites import MAX_FOLDED, Decline, constant, float32, new_constant, rule, shape_of


@rule("Where", max_error=0.0)
def where_by_mul_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    mask = constant(node.inputs[0], "the mask")
    a, b = (float32(value, "a branch") for value in node.inputs[1:])
    shapes = [shape_of(value, "a branch") for value in (a, b)]
    after = shape_of(node.outputs[0], "the output")
    if is_constant(a) and is_constant(b):
        raise Decline("both branches are constant: the result is too")
    if (count := int(np.prod(after))) > MAX_FOLDED:
        raise Decline(f"a mask would have {count} elements, more than {MAX_FOLDED}")

    sides = []
    for value, shape, shown in ((a, shapes[0], mask), (b, shapes[1], ~mask)):
        # OpenCV does not broadcast both operands of one op: expand the constant when the tensor is expanded
        shown = (
            np.broadcast_to(shown, after)
            if shape != after
            else shown.reshape((1,) * (len(after) - shown.ndim) + shown.shape)
        )
        array = array_of(value)
        if array is not None:
            sides.append(
                new_constant(tape, np.where(shown, array, np.float32(0)))
            )  # not a product: the fill may be infinite
        else:
            sides.append(tape.op("Mul", [value, new_constant(tape, shown.astype(np.float32))]))
    return tape.op("Add", sides)
