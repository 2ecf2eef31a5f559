"""HardSwish -> Mul(x, HardSigmoid(x)).

Why     some cv2.dnn importers know HardSigmoid but not HardSwish
Before  y = HardSwish(x)
After   s = HardSigmoid<alpha=1/6, beta=0.5>(x);  y = Mul(x, s)
Error   1e-6: one rounding more than the fused op
"""

import onnx_ir as ir

from converter.rewrites import float32, rule


@rule("HardSwish", max_error=1e-6)
def split_hard_swish(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    gate = tape.op("HardSigmoid", [x], {"alpha": 1 / 6, "beta": 0.5})
    return tape.op("Mul", [x, gate])
