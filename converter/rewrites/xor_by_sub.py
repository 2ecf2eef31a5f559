"""Xor of masks -> the difference of the masks as 0 and 1, compared with a half.

Why     no OpenCV 4.x knows Xor
Before  y = Xor(a, b)
After   y = Greater(Abs(Sub(Cast<to=FLOAT>(a), Cast<to=FLOAT>(b))), 1/2)
Error   0: zeros and ones
"""

import onnx_ir as ir

from converter.rewrites import Decline, rule, scalar


@rule("Xor", max_error=0.0)
def xor_by_sub(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if any(value is None or value.dtype != ir.DataType.BOOL for value in node.inputs):
        raise Decline("an operand is no mask")
    numbers = [tape.op("Cast", [value], {"to": ir.DataType.FLOAT}) for value in node.inputs]
    return tape.op("Greater", [tape.op("Abs", [tape.op("Sub", numbers)]), scalar(tape, 0.5)])
