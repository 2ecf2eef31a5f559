"""GatherND with constant indices -> Gather of the flattened input.

Why     OpenCV 4.x and 5.0.0's classic engine know no GatherND
Before  y = GatherND<batch_dims=0>(x, i)      i constant, its last axis a position in the first k axes of x
After   y = Reshape(Gather<axis=0>(Reshape(x, [the k axes as one, the rest as one]), j), y.shape)
Error   0: the same elements
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, new_constant, rule, shape_of


@rule("GatherND", max_error=0.0)
def gather_nd_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    positions = constant(node.inputs[1], "the indices")
    if 0 in after:
        raise Decline("the result is empty")
    batch = node.attributes.get_int("batch_dims") or 0
    if batch:
        positions = _with_batch(positions, shape, batch)
    depth = positions.shape[-1]
    extents = shape[:depth]
    columns = [positions[..., axis].ravel() % extents[axis] for axis in range(depth)]
    flat = np.ravel_multi_index(columns, extents)

    table = tape.op("Reshape", [x, indices(tape, (prod(extents), prod(shape[depth:])))])
    y = tape.op("Gather", [table, new_constant(tape, flat.astype(np.int64))], {"axis": 0})
    return tape.op("Reshape", [y, indices(tape, after)])


def _with_batch(positions: np.ndarray, shape: tuple[int, ...], batch: int) -> np.ndarray:
    """The same indices without batch_dims: the batch's own position written in front of each."""
    grid = np.indices(shape[:batch]).reshape(batch, *shape[:batch], *(1,) * (positions.ndim - batch - 1))
    own = np.broadcast_to(np.moveaxis(grid, 0, -1), (*positions.shape[:-1], batch))
    return np.concatenate([own, positions], axis=-1)
