"""OneHot -> Equal of the indices and 0, 1, ..., depth - 1.

Why     no OpenCV 4.x knows OneHot
Before  y = OneHot<axis>(i, depth, [off, on])      depth and both values constant, off 0 and on 1
After   m = Equal(Unsqueeze(i), [0, 1, ..., depth - 1]);  y = Cast(m)
Error   0 where no index is negative
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, new_constant, rule, shape_of


@rule("OneHot", max_error=0.0)
def one_hot_by_equal(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    index = node.inputs[0]
    rank = len(shape_of(index, "the indices")) + 1
    assert index is not None
    if index.dtype not in (ir.DataType.INT64, ir.DataType.INT32, ir.DataType.FLOAT):
        raise Decline(f"the indices are {index.dtype}, which was not measured")
    depth = int(constant(node.inputs[1], "the depth").ravel()[0])
    values = constant(node.inputs[2], "the values")
    if values.tolist() != [0, 1]:
        raise Decline(f"the values are {values.tolist()}, not 0 and 1")
    axis = node.attributes.get_int("axis", -1) % rank
    places = np.arange(depth).astype(index.dtype.numpy()).reshape(-1, *(1 for _ in range(axis + 1, rank)))
    mask = tape.op("Equal", [tape.op("Unsqueeze", [index, indices(tape, [axis])]), new_constant(tape, places)])
    return tape.op("Cast", [mask], {"to": ir.DataType.from_numpy(values.dtype)})
