"""Not of a mask -> the mask as 0 and 1, compared with a half.

Why     no OpenCV 4.x knows Not
Before  y = Not(m)
After   y = Less(Cast<to=FLOAT>(m), 1/2)
Error   0: zeros and ones
"""

import onnx_ir as ir

from converter.rewrites import Decline, rule, scalar


@rule("Not", max_error=0.0)
def not_by_less(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    mask = node.inputs[0]
    if mask is None or mask.dtype != ir.DataType.BOOL:
        raise Decline("the input is no mask")
    return tape.op("Less", [tape.op("Cast", [mask], {"to": ir.DataType.FLOAT}), scalar(tape, 0.5)])
