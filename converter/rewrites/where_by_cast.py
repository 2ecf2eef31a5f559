"""Where with a computed mask -> the mask as 0 and 1, Mul and Add.

Why     OpenCV 4.7.0 and older know no Where; they compare and cast rightly
Before  y = Where(mask, a, b)      mask computed
After   m = Cast<to=FLOAT>(mask);  y = Add(Mul(a, m), Mul(b, Sub(1, m)))
Error   0 where both branches are finite at run time: 0 * inf is NaN
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of, is_constant
from converter.rewrites import Decline, float32, rule, scalar


@rule("Where", max_error=0.0)
def where_by_cast(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    mask, *branches = node.inputs
    a, b = (float32(value, "a branch") for value in branches)
    if is_constant(mask):
        raise Decline("the mask is constant")
    for array in map(array_of, (a, b)):
        if array is not None and not np.isfinite(array).all():
            raise Decline("a branch is constant and not finite; 0 * inf is NaN")
    shown = tape.op("Cast", [mask], {"to": ir.DataType.FLOAT})
    hidden = tape.op("Sub", [scalar(tape, 1.0), shown])
    return tape.op("Add", [tape.op("Mul", [a, shown]), tape.op("Mul", [b, hidden])])
