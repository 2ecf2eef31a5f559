"""Tile of a constant -> the tiled constant.

Why     OpenCV 4.x computes some Tiles wrongly, and a constant needs none
Before  y = Tile(c, repeats)      c and repeats constant
After   y = the array
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, constant, new_constant, pass_on, rule


@rule("Tile", max_error=0.0)
def fold_tile(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    array = constant(node.inputs[0], "the input")
    repeats = constant(node.inputs[1], "repeats")
    if (count := array.size * int(np.prod(repeats))) > MAX_FOLDED:
        raise Decline(f"the constant would have {count} elements, more than {MAX_FOLDED}")
    return pass_on(node, tape, new_constant(tape, np.tile(array, repeats)))
