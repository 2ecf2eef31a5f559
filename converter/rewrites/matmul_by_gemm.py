"""MatMul by a constant matrix -> Gemm of two dimensions, between Reshapes.

Why     One product of all rows is faster than one for each stack of them, and Gemm faster than MatMul (add_by_gemm's card)
Before  y = MatMul(x, w)      w a constant matrix
After   y = Reshape(Gemm(Reshape(x, [-1, K]), w), y.shape)
Error   1e-6: the products may be summed in another order
"""

import onnx_ir as ir

from converter.rewrites import rule
from converter.rewrites.add_by_gemm import product_of_rows


@rule("MatMul", max_error=1e-6)
def matmul_by_gemm(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return product_of_rows(node, tape, None)
