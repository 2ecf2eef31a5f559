"""Gelu<approximate="tanh"> -> x * sigmoid(x * (a + b * x^2)).

Why     every OpenCV measured ignores `approximate` and computes the exact Gelu, up to 2e-4 off. (1 + tanh(u)) / 2 is
        sigmoid(2u), and unlike 5.0.0's Tanh its Sigmoid has no overflow
        a = sqrt(8/pi), b = 0.044715 a (https://arxiv.org/abs/1606.08415, section 2)
Before  y = Gelu<approximate="tanh">(x)
After   u = Mul(x, Add(Mul(Mul(x, x), b), a));  y = Mul(x, Sigmoid(u))
Error   1e-6: a few roundings
"""

import math

import onnx_ir as ir

from converter.rewrites import Decline, float32, rule, scalar


@rule("Gelu", max_error=1e-6)
def gelu_by_sigmoid(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if node.attributes.get_string("approximate", "none") != "tanh":
        raise Decline("this Gelu is exact; the tanh approximation would differ by 2e-4")
    x = float32(node.inputs[0], "the input")
    a = math.sqrt(8 / math.pi)
    quadratic = tape.op("Mul", [tape.op("Mul", [x, x]), scalar(tape, 0.044715 * a)])
    inner = tape.op("Mul", [x, tape.op("Add", [quadratic, scalar(tape, a)])])
    return tape.op("Mul", [x, tape.op("Sigmoid", [inner])])
