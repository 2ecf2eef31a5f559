"""Gather of a constant with constant indices -> the gathered constant.

Why     OpenCV 4.x refuses or mistakes most lookups in a constant table, and a constant needs none
Before  y = Gather<axis>(c, i)      c and i constant
After   y = the array
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, constant, new_constant, pass_on, rule


@rule("Gather", max_error=0.0)
def fold_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    table = constant(node.inputs[0], "the input")
    taken = constant(node.inputs[1], "the indices")
    axis = (node.attributes.get_int("axis") or 0) % table.ndim
    if (count := table.size // max(1, table.shape[axis]) * taken.size) > MAX_FOLDED:
        raise Decline(f"the constant would have {count} elements, more than {MAX_FOLDED}")
    return pass_on(node, tape, new_constant(tape, np.take(table, taken % table.shape[axis], axis=axis)))
