"""Sub with a constant or the smaller tensor on the left -> Add of the negated right operand.

Why     OpenCV 4.6.0 and older broadcast the right operand only
Before  y = Sub(c, x)
After   y = Add(Neg(x), c)
Error   0: c - x is (-x) + c in floating point too
"""

from math import prod

import onnx_ir as ir

from converter.graph import is_constant
from converter.rewrites import Decline, rule
from converter.rewrites import _broadcasting as broadcasting


@rule("Sub", max_error=0.0)
def sub_by_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    (left, right), shapes, _ = broadcasting.operands(node)
    if is_constant(right) or (not is_constant(left) and prod(shapes[0]) >= prod(shapes[1])):
        raise Decline("the left operand is the tensor, and no smaller")
    return tape.op("Add", [tape.op("Neg", [right]), left])
