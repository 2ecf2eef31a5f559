"""Resize whose region or scales are left out in the middle -> the same Resize with empty constants there.

Why     OpenCV 4.5.5 looks every input up by its name, and stops at the empty one
Before  y = Resize(x, , , sizes)
After   y = Resize(x, [], [], sizes)
Error   0: the same node
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, new_constant, rule, shape_of


@rule("Resize", max_error=0.0)
def resize_write_inputs(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    before, after = shape_of(node.inputs[0], "the input"), shape_of(node.outputs[0], "the output")
    if len(before) != 4 or before[:2] != after[:2] or before == after or "axes" in node.attributes:
        raise Decline(
            f"it resizes {list(before)} to {list(after)} or names axes, and not height and width of four dimensions"
        )
    mode = node.attributes.get_string("mode", "nearest")
    if mode not in ("nearest", "linear") or node.attributes.get_int("antialias", 0):
        raise Decline(f"mode {mode} with antialiasing or interpolation of a higher order is refused in any form")
    values = list(node.inputs)
    while values and values[-1] is None:
        values.pop()
    if None not in values:
        raise Decline("no input is left out in the middle")
    nothing = new_constant(tape, np.zeros(0, np.float32))
    return tape.op("Resize", [nothing if value is None else value for value in values], node.attributes)
