"""Gemm with alpha and beta -> Gemm whose constants are scaled.

Why     OpenCV 4.8.1 and older ignore alpha and beta, without an error
Before  y = Gemm<alpha, beta>(a, b, c)      b and c constant
After   y = Gemm(a, alpha * b, beta * c)
Error   1e-6: the factors are rounded in, and not multiplied afterwards
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, new_constant, optional_input, rule


@rule("Gemm", max_error=1e-6)
def fold_gemm_scales(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    alpha = node.attributes.get_float("alpha", 1.0)
    beta = node.attributes.get_float("beta", 1.0)
    if alpha == beta == 1.0:
        raise Decline("alpha and beta are 1 already")
    a, b, c = float32(node.inputs[0], "the input"), node.inputs[1], optional_input(node, 2)
    scaled_b = None if alpha == 1.0 else constant(b, "the weight") * np.float32(alpha)
    scaled_c = None if beta == 1.0 or c is None else constant(c, "the bias") * np.float32(beta)

    inputs = [a, b if scaled_b is None else new_constant(tape, scaled_b)]
    if c is not None:
        inputs.append(c if scaled_c is None else new_constant(tape, scaled_c))
    kept = {name: attribute for name, attribute in node.attributes.items() if name in ("transA", "transB")}
    return tape.op("Gemm", inputs, kept)
