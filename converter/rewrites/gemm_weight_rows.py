"""Gemm with a constant weight of columns -> the same Gemm with the weight's transpose (transB=1).

Why     OpenCV 4.6.0 and older take the weight's second extent for the number of outputs: they refuse the bias of a Gemm
        whose weight is not square. torch's own Linear is written with transB=1, which runs right on every OpenCV measured
Before  y = Gemm<transB=0>(a, w, c)      w constant
After   y = Gemm<transB=1>(a, w', c)      w' = w transposed here
Error   1e-6: the products may be summed in another order
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, new_constant, rule


@rule("Gemm", max_error=1e-6)
def gemm_weight_rows(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    a, w = float32(node.inputs[0], "the input"), constant(float32(node.inputs[1], "the weight"), "the weight")
    if node.attributes.get_int("transB", 0):
        raise Decline("transB is 1 already")
    return tape.op("Gemm", [a, new_constant(tape, w.T), *node.inputs[2:]], {**node.attributes, "transB": 1})
