"""LogSoftmax -> LogSoftmax with its axis written, counted from the front, and two axes at least.

Why     OpenCV 4.8.1 and older read an axis that is not written as 1, ONNX as the last; every 4.x takes a vector for a column
        and gives ones
Before  y = LogSoftmax(x)      or LogSoftmax<axis=-1>(x)
After   y = LogSoftmax<axis=rank - 1>(x);  a vector is reshaped to [1, N] and back
Error   0: the same op
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("LogSoftmax", max_error=0.0)
def log_softmax_axis(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    written = node.attributes.get_int("axis", -1)
    if "axis" in node.attributes and written >= 0 and len(shape) > 1:
        raise Decline("its axis is written and counts from the front")
    if len(shape) > 1:
        return tape.op("LogSoftmax", [x], {"axis": written % len(shape)})
    row = tape.op("LogSoftmax", [tape.op("Reshape", [x, indices(tape, (1, *shape))])], {"axis": 1})
    return tape.op("Reshape", [row, indices(tape, shape)])
