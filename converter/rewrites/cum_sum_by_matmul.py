"""CumSum -> MatMul with a triangle of ones.

Why     OpenCV 4.8.1 and older sum wrongly along any axis but the last, and crash on some
Before  y = CumSum<exclusive, reverse>(x, axis)      axis constant
After   y = Reshape(MatMul(Reshape(x, [B, K]), U), x.shape) where axis is the last; in front of others
        Reshape(Conv<kernel_shape=[1]>(Reshape(x, [B, K, A]), L), x.shape)      U, L: ones where an element counts
Error   1e-6: summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, constant, float32, indices, new_constant, rule, shape_of


@rule("CumSum", max_error=1e-6)
def cum_sum_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    axis = int(constant(node.inputs[1], "the axis").ravel()[0]) % len(shape)
    before, count, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    if count * count > MAX_FOLDED:
        raise Decline(f"the triangle would be {count * count} elements, more than {MAX_FOLDED}")
    counts = np.tri(count, k=-node.attributes.get_int("exclusive", 0), dtype=np.float32)  # [to, from]
    if node.attributes.get_int("reverse", 0):
        counts = counts.T

    if after == 1:
        rows = tape.op("Reshape", [x, indices(tape, (before, count))])
        y = tape.op("MatMul", [rows, new_constant(tape, counts.T)])
    else:
        channels = tape.op("Reshape", [x, indices(tape, (before, count, after))])
        y = tape.op("Conv", [channels, new_constant(tape, counts[:, :, None])], {"kernel_shape": [1]})
    return tape.op("Reshape", [y, indices(tape, shape)])
