"""Or of masks -> Add of the masks as 0 and 1, compared with a half.

Why     no 4.x knows Or
Before  y = Or(a, b)
After   y = Greater(Add(Cast<to=FLOAT>(a), Cast<to=FLOAT>(b)), 1/2)
Error   0: zeros and ones
"""

import onnx_ir as ir

from converter.rewrites import Decline, rule, scalar


@rule("Or", max_error=0.0)
def or_by_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if any(value is None or value.dtype != ir.DataType.BOOL for value in node.inputs):
        raise Decline("an operand is no mask")
    numbers = [tape.op("Cast", [value], {"to": ir.DataType.FLOAT}) for value in node.inputs]
    return tape.op("Greater", [tape.op("Add", numbers), scalar(tape, 0.5)])
