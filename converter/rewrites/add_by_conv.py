"""MatMul by a constant matrix, and Add of a constant row -> Conv of 1x1, between Transposes.

Why     The convolution of 4.8.1 and older is much faster than its matrix product: 0.4 to 0.7 times the time for 196 to 3,136
        rows, both Transposes included. From 4.10 on the product is the faster one
Before  y = Add(MatMul(x, w), b)      w a constant matrix, b a constant row, the product not read elsewhere
After   y = Reshape(Transpose(Conv(Transpose(Reshape(x, [1, 1, rows, K])), w', b)), y.shape)
Error   1e-6: the products may be summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of
from converter.rewrites.add_by_gemm import product_and_row

FEWEST_ROWS = 128
"""With 49 rows 4.7.0's convolution takes 1.6 times the product's time."""


@rule("Add", max_error=1e-6)
def add_by_conv(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    product, row = product_and_row(node)
    return product_as_conv(product, tape, new_constant(tape, row))


def product_as_conv(product: ir.Node, tape: ir.tape.Tape, bias: ir.Value | None) -> ir.Value:
    """The product of rows by a constant matrix as a convolution of 1x1 over one line of pixels. Declines few rows."""
    rows, weight = (float32(value, "an operand") for value in product.inputs)
    shape, matrix = shape_of(rows, "the rows"), array_of(weight)
    if matrix is None or matrix.ndim != 2:
        raise Decline("the product is not by a constant matrix")
    count, (inner, outer) = prod(shape[:-1]), matrix.shape
    if len(shape) < 2 or count < FEWEST_ROWS:
        raise Decline(f"{count} rows are too few for a convolution to be faster")
    line = tape.op("Reshape", [rows, indices(tape, [1, 1, count, inner])])
    channels = tape.op("Transpose", [line], {"perm": [0, 3, 1, 2]})
    kernel = new_constant(tape, np.ascontiguousarray(matrix.T).reshape(outer, inner, 1, 1))
    inputs = [channels, kernel] if bias is None else [channels, kernel, bias]
    made = tape.op("Transpose", [tape.op("Conv", inputs, {"kernel_shape": [1, 1]})], {"perm": [0, 2, 3, 1]})
    return tape.op("Reshape", [made, indices(tape, shape_of(product.outputs[0], "the output"))])
