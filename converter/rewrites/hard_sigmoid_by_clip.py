"""HardSigmoid -> Clip(alpha * g + beta, 0, 1).

Why     every OpenCV takes Mul(x, HardSigmoid<alpha=1/6, beta=0.5>(g)) for HardSwish(g) and loses x; its simplifier
        has no pattern of Mul, Add, Clip
Before  s = HardSigmoid<alpha, beta>(g)
After   s = Clip(Add(Mul(g, alpha), beta), 0, 1)
Error   1e-6: the product is rounded on its own
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("HardSigmoid", max_error=1e-6)
def hard_sigmoid_by_clip(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    g = float32(node.inputs[0], "the input")
    alpha = node.attributes.get_float("alpha", 0.2)
    beta = node.attributes.get_float("beta", 0.5)
    line = tape.op("Add", [tape.op("Mul", [g, scalar(tape, alpha)]), scalar(tape, beta)])
    return tape.op("Clip", [line, scalar(tape, 0.0), scalar(tape, 1.0)])
