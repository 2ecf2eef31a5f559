"""Softplus -> Relu(x) + Softplus(-|x|).

Why     every OpenCV measured gives infinity above 88: it takes the exponential of x. That of -|x| cannot overflow
Before  y = Softplus(x)
After   y = Add(Relu(x), Softplus(Neg(Abs(x))))
Error   1e-6: one rounding more
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, rule


@rule("Softplus", max_error=1e-6)
def softplus_of_negative(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    if (producer := x.producer()) is not None and producer.op_type == "Neg":
        raise Decline("the input is a Neg, so the rule was used on it already")
    distance = tape.op("Neg", [tape.op("Abs", [x])])
    return tape.op("Add", [tape.op("Relu", [x]), tape.op("Softplus", [distance])])
