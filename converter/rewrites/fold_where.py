"""Where with a constant mask and two constant branches, or a mask that is all true or all false -> what it picks.

Why     OpenCV 4.x takes no BOOL constant
Before  y = Where(mask, a, b)      mask constant
After   the array, where a and b are constant; a where the mask is all true, b where it is all false
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, constant, new_constant, pass_on, rule, shape_of


@rule("Where", max_error=0.0)
def fold_where(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    mask = constant(node.inputs[0], "the mask")
    a, b = (array_of(value) for value in node.inputs[1:])
    if a is not None and b is not None:
        return pass_on(node, tape, new_constant(tape, np.where(mask, a, b)))
    if mask.any() != mask.all():
        raise Decline("the mask picks from both branches, and they are not both constant")
    picked = node.inputs[1 if mask.all() else 2]
    before, after = shape_of(picked, "the branch"), shape_of(node.outputs[0], "the output")
    if before != after:
        raise Decline(f"the branch that it picks is expanded too: {list(before)} to {list(after)}")
    assert picked is not None
    return pass_on(node, tape, picked)
