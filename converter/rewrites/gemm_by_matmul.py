"""Gemm -> MatMul and Add.

Why     OpenCV 4.6.0 and older take no weight that comes from another node, 4.x computes transA and a bias that is one
        column, one number or a tensor wrongly or refuses it; MatMul and Add of two dimensions run right
Before  y = Gemm<alpha, beta, transA, transB>(a, b, c)
After   y = Add(MatMul(a', b'), beta * c);  a', b' transposed where it says so (a constant is transposed
        and scaled here), alpha times a by a Mul
Error   1e-6: alpha is multiplied at another place, and the products may be summed in another order
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import float32, new_constant, optional_input, rule, scalar, shape_of


@rule("Gemm", max_error=1e-6)
def gemm_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    a = _turned(float32(node.inputs[0], "the input"), node.attributes.get_int("transA", 0), tape)
    b = _turned(float32(node.inputs[1], "the weight"), node.attributes.get_int("transB", 0), tape)
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)

    if array_of(b) is not None:  # before the product: 4.5.5 drops a factor behind one of two tensors
        b = _scaled(b, alpha, tape)
    else:
        a = _scaled(a, alpha, tape)
    y = tape.op("MatMul", [a, b])
    if optional_input(node, 2) is None or beta == 0:
        return y
    bias = _scaled(float32(node.inputs[2], "the bias"), beta, tape)
    array = array_of(bias)
    if array is not None and array.size == 1:  # 4.5.5 fuses a number into the product, and adds it wrongly
        columns = shape_of(node.outputs[0], "the output")[1]
        bias = new_constant(tape, np.full(columns, array.item(), np.float32))
    return tape.op("Add", [y, bias])


def _turned(value: ir.Value, transposed: int | None, tape: ir.tape.Tape) -> ir.Value:
    if not transposed:
        return value
    if (array := array_of(value)) is not None:
        return new_constant(tape, array.T)
    return tape.op("Transpose", [value], {"perm": [1, 0]})


def _scaled(value: ir.Value, factor: float | None, tape: ir.tape.Tape) -> ir.Value:
    if factor is None or factor == 1:
        return value
    if (array := array_of(value)) is not None:
        return new_constant(tape, array * np.float32(factor))
    return tape.op("Mul", [value, scalar(tape, factor)])
