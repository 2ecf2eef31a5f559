"""Gelu -> 0.5 * x * (1 + erf(x / sqrt(2))).

Why     OpenCV 4.5.5 knows no Gelu. (https://arxiv.org/abs/1606.08415, section 2)
Before  y = Gelu(x)
After   e = Add(Erf(Mul(x, sqrt(1/2))), 1);  y = Mul(Mul(x, 0.5), e)
Error   1e-6: a few roundings
"""

import math

import onnx_ir as ir

from converter.rewrites import Decline, float32, rule, scalar


@rule("Gelu", max_error=1e-6)
def gelu_by_erf(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if node.attributes.get_string("approximate", "none") != "none":
        raise Decline("this Gelu is the tanh approximation; the exact form would differ by 2e-4")
    x = float32(node.inputs[0], "the input")
    # a Mul, where OpenCV's own Gelu pattern has a Div: it would put the Gelu back
    erf = tape.op("Erf", [tape.op("Mul", [x, scalar(tape, math.sqrt(0.5))])])
    half = tape.op("Mul", [x, scalar(tape, 0.5)])
    return tape.op("Mul", [half, tape.op("Add", [erf, scalar(tape, 1.0)])])
