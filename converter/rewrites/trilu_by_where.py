"""Trilu -> Where with a constant triangle.

Why     no 4.x knows Trilu, 5.0.0's classic engine neither
Before  y = Trilu<upper>(x, k)      k constant
After   y = Where(triangle, x, 0)
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import (
    MAX_FOLDED,
    Decline,
    constant,
    float32,
    new_constant,
    optional_input,
    rule,
    scalar,
    shape_of,
)


@rule("Trilu", max_error=0.0)
def trilu_by_where(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    diagonal = optional_input(node, 1)
    offset = 0 if diagonal is None else int(constant(diagonal, "the diagonal").ravel()[0])
    if shape[-2] * shape[-1] > MAX_FOLDED:
        raise Decline(f"the mask would be {shape[-2] * shape[-1]} elements, more than {MAX_FOLDED}")
    ones = np.ones(shape[-2:], bool)
    triangle = np.triu(ones, offset) if node.attributes.get_int("upper", 1) else np.tril(ones, offset)
    return tape.op("Where", [new_constant(tape, triangle), x, scalar(tape, 0.0)])
