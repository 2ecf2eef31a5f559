"""Max with a constant -> Max with a computed zero + the constant.

Why     OpenCV 4.6.0 and older refuse a constant operand of Max, whatever its shape; two computed tensors of one shape run
Before  y = Max(x, c)      c constant, x not expanded by it
After   y = Max(x, Add(Mul(HardSigmoid<alpha=1, beta=0>(x), 0), c))      HardSigmoid because 0 * inf is NaN
Error   0: the zero is exact, also where x or c is infinite
"""

from math import prod

import onnx_ir as ir

from converter.graph import is_constant
from converter.rewrites import Decline, rule, scalar
from converter.rewrites import _broadcasting as broadcasting


@rule("Max", max_error=0.0)
def max_of_computed_constant(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values, shapes, after = broadcasting.operands(node)
    if is_constant(values[0]) == is_constant(values[1]):
        raise Decline("not one of the operands is constant, but both or none")
    side = 0 if is_constant(values[0]) else 1
    x = values[1 - side]
    if prod(shapes[1 - side]) != prod(after):
        raise Decline(f"the constant expands the tensor: {list(shapes[1 - side])} to {list(after)}")
    finite = tape.op("HardSigmoid", [x], {"alpha": 1.0, "beta": 0.0})
    computed = tape.op("Add", [tape.op("Mul", [finite, scalar(tape, 0.0)]), values[side]])
    return tape.op("Max", [x, computed])
