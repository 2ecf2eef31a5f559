"""Trilu -> Mul with a constant of ones and zeros.

Why     OpenCV 4.x and 5.0.0's classic engine know no Trilu, and 4.6.0 and older no Where, Min or Max with a constant
Before  y = Trilu<upper>(x, k)      k constant or absent
After   y = Mul(x, mask)
Error   0 where x is finite: an infinity times zero would be NaN
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import constant, float32, new_constant, optional_input, rule, shape_of


@rule("Trilu", max_error=0.0)
def trilu_by_mul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    offset = optional_input(node, 1)
    k = 0 if offset is None else int(constant(offset, "the diagonal"))
    ones = np.ones((1,) * (len(shape) - 2) + shape[-2:], np.float32)
    mask = np.triu(ones, k) if node.attributes.get_int("upper", 1) else np.tril(ones, k)
    return tape.op("Mul", [x, new_constant(tape, mask)])
