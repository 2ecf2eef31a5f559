"""GatherND of a grid with constant indices -> one Gather per axis.

Why     OpenCV 4.x and 5.0.0's classic engine know no GatherND; x[:, rows][:, :, columns] of overlapping windows is exported as
        one. Row by row it is a few Slices; flattened it would be thousands of rows
Before  y = GatherND<batch_dims=0>(x, i)      i constant, each of its columns a function of other axes of i
After   y = Transpose(Reshape(Gather<axis=0>(Gather<axis=1>(x, columns), rows)));  the last two only where they change something
Error   0: the same elements
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, rule, shape_of


@rule("GatherND", max_error=0.0)
def gather_nd_by_axes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    positions = constant(node.inputs[1], "the indices")
    depth, rank = positions.shape[-1], positions.ndim - 1
    if node.attributes.get_int("batch_dims", 0):
        raise Decline("it has batch dimensions")
    if 0 in after or depth < 2:
        raise Decline("the result is empty or one axis is indexed")
    owned = [_varying(positions[..., column]) for column in range(depth)]
    taken = [axis for axes in owned for axis in axes]
    if len(taken) != len(set(taken)):
        raise Decline("two columns of the indices vary along the same axis: they are no grid")

    assert x is not None
    y = x
    for column in reversed(range(depth)):
        corner = tuple(slice(None) if axis in owned[column] else 0 for axis in range(rank))
        y = tape.op("Gather", [y, indices(tape, positions[..., column][corner].ravel())], {"axis": column})
    rest = shape[depth:]
    gathered = (*(prod(positions.shape[axis] for axis in axes) for axes in owned), *rest)
    # every axis of the indices in the order of the columns that own it, those of one element last
    order = taken + [axis for axis in range(rank) if axis not in taken]
    apart = (*(positions.shape[axis] for axis in order), *rest)
    if order == sorted(order):
        return y if gathered == after else tape.op("Reshape", [y, indices(tape, after)])
    y = tape.op("Reshape", [y, indices(tape, apart)])
    perm = [order.index(axis) for axis in range(rank)] + list(range(rank, rank + len(rest)))
    return tape.op("Transpose", [y], {"perm": perm})


def _varying(column: np.ndarray) -> list[int]:
    """The axes along which the numbers are not all the same."""
    return [axis for axis in range(column.ndim) if (column != column.take([0], axis=axis)).any()]
