"""MatMul by a constant matrix -> Conv of 1x1, between Transposes.

Why     The convolution of 4.8.1 and older is much faster than its matrix product (add_by_conv's card)
Before  y = MatMul(x, w)      w a constant matrix
After   y = Reshape(Transpose(Conv(Transpose(Reshape(x, [1, 1, rows, K])), w')), y.shape)
Error   1e-6: the products may be summed in another order
"""

import onnx_ir as ir

from converter.rewrites import rule
from converter.rewrites.add_by_conv import product_as_conv


@rule("MatMul", max_error=1e-6)
def matmul_by_conv(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return product_as_conv(node, tape, None)
