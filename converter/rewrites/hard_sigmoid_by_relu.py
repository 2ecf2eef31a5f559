"""HardSigmoid -> Relu(1 - Relu(1 - beta - alpha * g)).

Why     every OpenCV takes Mul(x, HardSigmoid<alpha=1/6, beta=0.5>(g)) for HardSwish(g) and loses x; OpenCV 4.5.5
        takes no Clip whose limits are inputs either
Before  s = HardSigmoid<alpha, beta>(g)
After   s = Relu(1 - Relu((1 - beta) - Mul(g, alpha)))
Error   1e-6: a small result is the difference of two numbers near 1
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("HardSigmoid", max_error=1e-6)
def hard_sigmoid_by_relu(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    g = float32(node.inputs[0], "the input")
    alpha = node.attributes.get_float("alpha", 0.2)
    beta = node.attributes.get_float("beta", 0.5)
    slope = tape.op("Mul", [g, scalar(tape, alpha)])
    missing = tape.op("Relu", [tape.op("Sub", [scalar(tape, 1 - beta), slope])])  # how far the result is from 1
    return tape.op("Relu", [tape.op("Sub", [scalar(tape, 1.0), missing])])
