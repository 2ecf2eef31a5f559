"""MatMul with the constant on the left -> MatMul with it on the right, between Transposes.

Why     OpenCV 4.8.1 and older refuse a constant left operand
Before  y = MatMul(c, x)
After   y = Transpose(MatMul(Transpose(x), Transpose(c)));  c is transposed here
Error   1e-6: the products are summed in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, new_constant, rule, shape_of


@rule("MatMul", max_error=1e-6)
def matmul_constant_right(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    left = constant(float32(node.inputs[0], "the left operand"), "the left operand")
    x = float32(node.inputs[1], "the right operand")
    rank = len(shape_of(x, "the right operand"))
    if min(left.ndim, rank) < 2:
        raise Decline("an operand is a vector")
    if left.ndim > rank:
        raise Decline(f"the constant has {left.ndim} dimensions and the right operand only {rank}")

    swap = [*range(rank - 2), rank - 1, rank - 2]
    turned = tape.op("Transpose", [x], {"perm": swap})
    product = tape.op("MatMul", [turned, new_constant(tape, np.swapaxes(left, -1, -2))])
    return tape.op("Transpose", [product], {"perm": swap})
