"""ScatterND with constant indices -> Gather from the input and what is written, joined.

Why     OpenCV 4.8.1 and older know no ScatterND
Before  y = ScatterND(x, i, v)      i constant
After   y = Reshape(Gather<axis=0>(Concat<axis=0>(Reshape(x), Reshape(v)), j), y.shape)      both as rows of the axes
        that i does not name; j takes row k of v where it is written, else of x. The last of two writes counts, as in
        ONNX Runtime (ONNX leaves it open)
Error   0: the same numbers
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of


@rule("ScatterND", max_error=0.0)
def scatter_nd_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, updates = float32(node.inputs[0], "the input"), float32(node.inputs[2], "what is written")
    shape = shape_of(x, "the input")
    positions = constant(node.inputs[1], "the indices")
    if node.attributes.get_string("reduction", "none") != "none":
        raise Decline("it adds to what is there, or multiplies it")
    if not positions.size:
        raise Decline("nothing is written")
    depth = positions.shape[-1]
    extents, inner = shape[:depth], prod(shape[depth:])
    columns = positions.reshape(-1, depth) % np.array(extents)
    written = np.ravel_multi_index(tuple(columns.T), extents)
    rows = prod(extents)
    taken = np.arange(rows, dtype=np.int64)
    taken[written] = rows + np.arange(len(written))  # in order: a later write takes an earlier one's place

    both = [tape.op("Reshape", [value, indices(tape, (-1, inner))]) for value in (x, updates)]
    joined = tape.op("Concat", both, {"axis": 0})
    y = tape.op("Gather", [joined, new_constant(tape, taken)], {"axis": 0})
    return tape.op("Reshape", [y, indices(tape, shape)])
