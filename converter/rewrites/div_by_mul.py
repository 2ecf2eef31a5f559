"""Div by a constant, or of a constant or the smaller tensor by a tensor -> Mul.

Why     OpenCV 4.6.0 and older ignore that a constant or a smaller tensor is the numerator: they give x / c for c / x. Only one
        number divided by a tensor is right on all
Before  y = Div(x, c)      or Div(c, x), Div(a, x) with a smaller than x
After   y = Mul(x, 1 / c)      or Mul(Div(1, x), c), Mul(Div(1, x), a)
Error   1e-6: two roundings for one
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, new_constant, rule, scalar
from converter.rewrites import _broadcasting as broadcasting


@rule("Div", max_error=1e-6)
def div_by_mul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    (left, right), shapes, _ = broadcasting.operands(node)
    above, below = array_of(left), array_of(right)
    if below is not None:
        with np.errstate(all="ignore"):  # what is not a number here is refused below
            inverse = np.float32(1) / below
        tiny = np.finfo(np.float32).tiny
        if not np.all(np.isfinite(inverse) & (np.abs(inverse) >= tiny)):
            raise Decline("1 / the constant is not a normal number everywhere")
        return tape.op("Mul", [left, new_constant(tape, inverse)])
    if above is not None and above.size == 1 and above.ravel()[0] == 1:
        raise Decline("it is 1 / x already")
    if above is None and prod(shapes[0]) >= prod(shapes[1]):
        raise Decline("the left operand is the tensor, and no smaller")
    return tape.op("Mul", [tape.op("Div", [scalar(tape, 1.0), right]), left])
