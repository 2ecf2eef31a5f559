"""GatherElements with constant indices -> Gather of the flattened input.

Why     OpenCV 4.9.0 and older know no GatherElements
Before  y = GatherElements<axis>(x, i)      i constant
After   y = Reshape(Gather<axis=0>(Reshape(x, [elements, 1]), j), y.shape);  where all of y's columns take the same rows
        Gather<axis>(x, rows) alone
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, new_constant, rule, shape_of


@rule("GatherElements", max_error=0.0)
def gather_elements_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    shape = shape_of(x, "the input")
    taken = constant(node.inputs[1], "the indices")
    if not taken.size:
        raise Decline("the result is empty")
    axis = int(node.attributes.get_int("axis") or 0) % len(shape)
    taken = taken % shape[axis]
    rows = np.moveaxis(taken, axis, 0).reshape(taken.shape[axis], -1)
    others = [extent for position, extent in enumerate(shape) if position != axis]
    if (rows == rows[:, :1]).all() and others == [n for position, n in enumerate(taken.shape) if position != axis]:
        return tape.op("Gather", [x, new_constant(tape, rows[:, 0])], {"axis": axis})

    places = np.indices(taken.shape)
    places[axis] = taken
    flat = np.ravel_multi_index(tuple(places), shape).ravel().astype(np.int64)
    column = tape.op("Reshape", [x, indices(tape, (int(np.prod(shape)), 1))])
    y = tape.op("Gather", [column, new_constant(tape, flat)], {"axis": 0})
    return tape.op("Reshape", [y, indices(tape, taken.shape)])
