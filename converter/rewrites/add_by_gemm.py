"""MatMul by a constant matrix, and Add of a constant row -> Gemm of two dimensions, between Reshapes.

Why     One product of all rows is faster than one for each stack of them, and Gemm faster than MatMul: 4.10.0 and 4.14.0 take
        0.6 to 1 times the time (196 to 3,136 rows), 5.0.0's classic engine 0.25 to 0.4 times; its new engine the same
Before  y = Add(MatMul(x, w), b)      w a constant matrix, b a constant row, the product not read elsewhere
After   y = Reshape(Gemm(Reshape(x, [-1, K]), w, b), y.shape)
Error   1e-6: the products may be summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("Add", max_error=1e-6)
def add_by_gemm(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    product, row = product_and_row(node)
    return product_of_rows(product, tape, new_constant(tape, row))


def product_and_row(node: ir.Node) -> tuple[ir.Node, np.ndarray]:
    """The MatMul that an Add reads, and the constant row that it adds to each of its rows. Declines other sums."""
    columns = shape_of(node.outputs[0], "the output")[-1:]
    for value, other in (node.inputs, node.inputs[::-1]):
        product = value.producer() if value is not None else None
        row = None if other is None else array_of(other)
        if product is None or product.op_type != "MatMul" or product.domain or row is None:
            continue
        if value is None or len(value.uses()) != 1 or value.is_graph_output():
            raise Decline("the product is read elsewhere")
        if row.dtype != np.float32 or row.size not in (1, *columns) or row.size != (row.shape[-1] if row.ndim else 1):
            raise Decline("what is added is no row")
        return product, np.array(np.broadcast_to(row.reshape(-1), columns))
    raise Decline("it is no sum of a product and a constant")


def product_of_rows(product: ir.Node, tape: ir.tape.Tape, bias: ir.Value | None) -> ir.Value:
    """Reshape(Gemm(Reshape(x, [rows, K]), w, bias), the product's shape). Declines where w is no constant matrix."""
    rows, weight = (float32(value, "an operand") for value in product.inputs)
    shape = shape_of(rows, "the rows")
    if array_of(weight) is None or len(shape_of(weight, "the matrix")) != 2:
        raise Decline("the product is not by a constant matrix")
    if len(shape) < 2:
        raise Decline("the product is of a vector")
    flat = tape.op("Reshape", [rows, indices(tape, [prod(shape[:-1]), shape[-1]])])
    result = tape.op("Gemm", [flat, weight] if bias is None else [flat, weight, bias])
    return tape.op("Reshape", [result, indices(tape, shape_of(product.outputs[0], "the output"))])
