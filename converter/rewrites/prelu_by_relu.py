"""PRelu -> Relu(x) - slope * Relu(-x).

Why     no OpenCV takes a slope that is computed, 4.x none of several numbers but one a channel
Before  y = PRelu(x, slope)
After   y = Sub(Relu(x), Mul(Relu(Neg(x)), slope))
Error   0 where the slope is finite: one of the two is zero
"""

import onnx_ir as ir

from converter.rewrites import float32, rule


@rule("PRelu", max_error=0.0)
def prelu_by_relu(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, slope = (float32(value, "an operand") for value in node.inputs)
    below = tape.op("Mul", [tape.op("Relu", [tape.op("Neg", [x])]), slope])
    return tape.op("Sub", [tape.op("Relu", [x]), below])
