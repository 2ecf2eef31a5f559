"""HardSigmoid(g) -> HardSigmoid<2 alpha>(g / 2).

Why     every OpenCV takes Mul(x, HardSigmoid<alpha=1/6, beta=0.5>(g)) for HardSwish(g) and loses x; with alpha=1/3 its
        pattern does not match
Before  s = HardSigmoid<alpha, beta>(g)
After   s = HardSigmoid<2 alpha, beta>(Mul(g, 0.5))
Error   1e-7: halving and doubling are exact, but for subnormal numbers
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("HardSigmoid", max_error=1e-7)
def scale_hard_sigmoid(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    g = float32(node.inputs[0], "the input")
    alpha = node.attributes.get_float("alpha", 0.2)
    beta = node.attributes.get_float("beta", 0.5)
    half = tape.op("Mul", [g, scalar(tape, 0.5)])
    return tape.op("HardSigmoid", [half], {"alpha": 2 * alpha, "beta": beta})
