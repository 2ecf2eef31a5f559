"""Pow with a constant exponent of 2, 3, 4, 1/2, -1/2, 1 or -1 -> Mul, Sqrt, Div.

Why     OpenCV 4.6.0 and older take one number of rank 0 or 1 for the exponent, no tensor of it
Before  y = Pow(x, c)      c the same number everywhere
After   y = Mul(x, x)      Mul(Mul(x, x), x), Mul of Mul(x, x) with itself, Sqrt(x), Div(1, Sqrt(x)), x, Div(1, x)
Error   1e-6: a few roundings
"""

from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, constant, pass_on, rule, scalar
from converter.rewrites import _broadcasting as broadcasting


@rule("Pow", max_error=1e-6)
def pow_by_mul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    (x, _), shapes, after = broadcasting.operands(node)
    exponent = constant(node.inputs[1], "the exponent")
    if prod(shapes[0]) != prod(after):
        raise Decline(f"the exponent expands the input: {list(shapes[0])} to {list(after)}")
    power = float(exponent.ravel()[0])
    if not (exponent == power).all() or power not in (2, 3, 4, 0.5, -0.5, 1, -1):
        raise Decline("the exponent is not 2, 3, 4, 1/2, -1/2, 1 or -1 everywhere")
    if power in (1, -1):
        y = x
    elif power in (0.5, -0.5):
        y = tape.op("Sqrt", [x])
    else:
        y = tape.op("Mul", [x, x])
        y = tape.op("Mul", [y, y if power == 4 else x]) if power > 2 else y
    if power < 0:
        y = tape.op("Div", [scalar(tape, 1.0), y])
    y = broadcasting.reshaped(tape, y, shapes[0], after)
    return pass_on(node, tape, y) if y is x else y
