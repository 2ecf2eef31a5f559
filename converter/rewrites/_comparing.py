"""What the comparisons share: the same question asked of the operands' difference."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import MAX_FOLDED, Decline, float32, new_constant, scalar, shape_of

MAX_WHOLE = 1 << 24
"""Up to this float32 holds every whole number."""


def of_difference(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """op(x, y) as op(x - y, 0). IEEE 754: a difference is 0 for equal numbers only, and has the sign of the order.

    Whole numbers are compared as float32.
    """
    values = []
    kinds = {value.dtype for value in node.inputs if value is not None}
    if len(node.inputs) != 2 or not (kinds <= {ir.DataType.INT64, ir.DataType.INT32} or kinds == {ir.DataType.FLOAT}):
        raise Decline("the operands are neither FLOAT nor whole numbers")
    for value in node.inputs:
        array = array_of(value)
        shape_of(value, "an operand")
        if array is not None:
            if np.abs(array).max(initial=0) > MAX_WHOLE and array.dtype.kind == "i":
                raise Decline(f"a constant is beyond {MAX_WHOLE}, where float32 leaves out whole numbers")
            values.append(new_constant(tape, array.astype(np.float32)))
        else:
            values.append(
                value if kinds == {ir.DataType.FLOAT} else tape.op("Cast", [value], {"to": ir.DataType.FLOAT})
            )
    if all(value.const_value is not None for value in values):
        raise Decline("both operands are constant")
    if kinds != {ir.DataType.FLOAT}:
        return tape.op(node.op_type, values)
    array = array_of(values[1])
    if array is not None and array.size == 1 and not array.any():
        raise Decline("it is compared with zero already")
    return tape.op(node.op_type, [tape.op("Sub", values), scalar(tape, 0.0)])


def with_a_full_constant(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """op(x, c) with the constant c in the shape of x."""
    x, c = (float32(value, "an operand") for value in node.inputs)
    shape, array = shape_of(x, "the left operand"), array_of(c)
    if array is None or x.const_value is not None:
        raise Decline("the right operand is not the only constant one")
    if array.shape == shape or shape_of(node.outputs[0], "the output") != shape:
        raise Decline("the constant has the tensor's shape already, or a larger one")
    if (count := int(np.prod(shape))) > MAX_FOLDED:
        raise Decline(f"the constant would have {count} elements, more than {MAX_FOLDED}")
    return tape.op(node.op_type, [x, new_constant(tape, np.broadcast_to(array, shape))])
