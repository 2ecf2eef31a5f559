"""HardSwish -> x * Clip(x + 3, 0, 6) / 6 in elementary ops.

Why     for importers that know neither HardSwish nor HardSigmoid; OpenCV's simplifier has no pattern of these ops
Before  y = HardSwish(x)
After   c = Clip(Add(x, 3), 0, 6);  y = Mul(x, Mul(c, 1/6))
Error   1e-6: two roundings more than the fused op
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("HardSwish", max_error=1e-6)
def hard_swish_by_clip(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shifted = tape.op("Add", [x, scalar(tape, 3.0)])
    clipped = tape.op("Clip", [shifted, scalar(tape, 0.0), scalar(tape, 6.0)])
    gate = tape.op("Mul", [clipped, scalar(tape, 1 / 6)])  # before x comes in: 6 * x may overflow
    return tape.op("Mul", [x, gate])
