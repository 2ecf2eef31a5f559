"""Sign -> Clip of x times a large number, twice.

Why     OpenCV 4.5.5 knows no Sign
Before  y = Sign(x)
After   y = Clip(Mul(Clip(Mul(x, 1e38), -1, 1), 1e38), -1, 1)      the second time for numbers below 1e-38
Error   0 where x is no NaN: the smallest float times 1e38 twice is above 1
"""

import onnx_ir as ir

from converter.rewrites import float32, rule, scalar


@rule("Sign", max_error=0.0)
def sign_by_clip(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    y = float32(node.inputs[0], "the input")
    for _ in range(2):
        large = tape.op("Mul", [y, scalar(tape, 1e38)])
        y = tape.op("Clip", [large, scalar(tape, -1.0), scalar(tape, 1.0)])
    return y
