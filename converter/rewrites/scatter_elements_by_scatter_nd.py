"""ScatterElements with constant indices -> ScatterND.

Why     OpenCV 4.8.1 and older know no ScatterElements; with constant indices it is a ScatterND, which has rules
Before  y = ScatterElements<axis>(x, i, v)      i constant
After   y = ScatterND(x, j, v)      j holds the whole position of each element of v
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, new_constant, rule, shape_of


@rule("ScatterElements", max_error=0.0)
def scatter_elements_by_scatter_nd(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, updates = float32(node.inputs[0], "the input"), float32(node.inputs[2], "what is written")
    shape = shape_of(x, "the input")
    taken = constant(node.inputs[1], "the indices")
    if node.attributes.get_string("reduction", "none") != "none":
        raise Decline("it adds to what is there, or multiplies it")
    if not taken.size:
        raise Decline("nothing is written")
    axis = int(node.attributes.get_int("axis") or 0) % len(shape)

    places = np.indices(taken.shape)
    places[axis] = taken % shape[axis]
    return tape.op("ScatterND", [x, new_constant(tape, np.moveaxis(places, 0, -1).astype(np.int64)), updates])
