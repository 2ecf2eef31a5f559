"""LayerNormalization -> InstanceNormalization of each row, scale and shift.

Why     OpenCV 4.7.0 and older know no LayerNormalization, and have the mean and the deviation of a row in one layer. It runs
        on 4.5.5 in shapes that the moments do not. No faster than they (0.29 ms to 0.28 ms for [1, 197, 768] on 4.6.0), and
        4.8.1 and older divide by sqrt(1 + 1e-5) too much: 5e-6
Before  y = LayerNormalization<axis, epsilon>(x, scale, bias)      x: [..., C...], C... from axis on
After   n = InstanceNormalization<epsilon>(Reshape(x, [1, R, C]), 1, 0)
        y = Reshape(Reshape(n, [R, C]) * scale - (-bias), x.shape)
        neither Mul nor Add where the scale is all 1 and the bias all 0
Error   1e-5: the means are summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, optional_input, rule, shape_of


@rule("LayerNormalization", max_error=1e-5)
def layer_norm_by_instance_norm(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if len(node.outputs) > 1:
        raise Decline(f"it has {len(node.outputs)} outputs, and only the first was measured")
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    axis = node.attributes.get_int("axis", -1) % len(shape)
    rows, columns = prod(shape[:axis]), prod(shape[axis:])
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    one, zero = (new_constant(tape, np.full(rows, value, np.float32)) for value in (1, 0))

    row_by_row = tape.op("Reshape", [x, indices(tape, (1, rows, columns))])
    y = tape.op("InstanceNormalization", [row_by_row, one, zero], {"epsilon": epsilon})
    affine = (("Mul", node.inputs[1], 1), ("Add", optional_input(node, 2), 0))
    steps = [(op, float32(value, "a parameter")) for op, value, neutral in affine if not _is(value, neutral)]
    if steps:
        y = tape.op("Reshape", [y, indices(tape, (rows, columns))])
    for op, value in steps:
        row = _row(tape, value, shape[axis:])
        if op == "Add" and (array := array_of(row)) is not None:
            # OpenCV 5.0.0 takes Reshape, InstanceNormalization, Reshape, Mul, Add for a GroupNormalization, whatever the axes
            op, row = "Sub", new_constant(tape, -array)
        y = tape.op(op, [y, row])
    return tape.op("Reshape", [y, indices(tape, shape)])


def _is(value: ir.Value | None, neutral: int) -> bool:
    """Whether the parameter is left out, or constant and does nothing."""
    array = array_of(value)
    return value is None or (array is not None and bool(np.all(array == neutral)))


def _row(tape: ir.tape.Tape, value: ir.Value, normalised: tuple[int, ...]) -> ir.Value:
    """The parameter as a row of C elements."""
    if (array := array_of(value)) is not None:
        return new_constant(tape, np.broadcast_to(array, normalised).reshape(-1))
    if shape_of(value, "a parameter") != normalised:
        raise Decline("a parameter comes from another node and is broadcast")
    return value if len(normalised) == 1 else tape.op("Reshape", [value, indices(tape, (prod(normalised),))])
