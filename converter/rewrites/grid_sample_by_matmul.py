"""GridSample at computed points -> products with tent weights.

Why     no OpenCV 4.x knows GridSample. Bilinear sampling is linear in the image, and the weight of pixel k at position p is
        the tent relu(1 - |p - k|): beyond the border there is no pixel, which is the padding by zeros. No index is needed
Before  y = GridSample<mode="linear" or "nearest">(x, grid)      x: [N, C, H, W], grid computed
After   p = ((grid + 1) * W - 1) / 2, clipped for "border", folded for "reflection", Round for "nearest"; likewise for H
        columns = Relu(1 - Abs(MatMul(p, ones) - [0, 1, ..., W - 1]));  rows likewise      [N, P, W] and [N, P, H]
        t = MatMul(columns, Transpose(x));  y = Transpose(ReduceSum(t * rows, the axis of H))
Error   2e-5: a position is off by rounding where it is folded or far from 0, times the step between two pixels
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, indices, new_constant, rule, scalar, shape_of
from converter.rewrites._sampling import Sampling, position_nodes, sampling_of


@rule("GridSample", max_error=2e-5)
def grid_sample_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    found = sampling_of(node)
    if found.grid.const_value is not None:
        raise Decline("the grid is constant")
    if found.mode not in ("linear", "nearest"):
        raise Decline(f"mode {found.mode} is not linear or nearest")
    n, c, h, w, p = found.batch, found.channels, found.height, found.width, found.points
    if (count := n * p * h * c) > MAX_FOLDED:
        raise Decline(f"the rows of all points would have {count} numbers, more than {MAX_FOLDED}")

    lead = (n,) if n > 1 else ()
    columns = _tents(found, tape, 0, w, lead)
    rows = _tents(found, tape, 1, h, lead)
    turned = tape.op("Transpose", [found.x], {"perm": [0, 3, 2, 1]})
    flat = tape.op("Reshape", [turned, indices(tape, (*lead, w, h * c))])
    across = tape.op("MatMul", [columns, flat])
    if c == 1:
        product = tape.op("Mul", [across, rows])
        summed = tape.op("ReduceSum", [product, indices(tape, [len(lead) + 1])], {"keepdims": 0})
        return tape.op("Reshape", [summed, indices(tape, shape_of(node.outputs[0], "the output"))])
    # the broadcast axis last: there all of them broadcast
    images = tape.op("Reshape", [across, indices(tape, (n * p * h, c))])
    weights = tape.op("Reshape", [rows, indices(tape, (n * p * h, 1))])
    product = tape.op("Reshape", [tape.op("Mul", [images, weights]), indices(tape, (n * p, h, c))])
    summed = tape.op("ReduceSum", [product, indices(tape, [1])], {"keepdims": 0})
    back = tape.op("Reshape", [summed, indices(tape, (n, p, c))])
    back = tape.op("Transpose", [back], {"perm": [0, 2, 1]})
    return tape.op("Reshape", [back, indices(tape, shape_of(node.outputs[0], "the output"))])


def _tents(found: Sampling, tape: ir.tape.Tape, which: int, extent: int, lead: tuple[int, ...]) -> ir.Value:
    """[N, P, extent]: the weight of each column (coordinate 0) or row (coordinate 1) of the image at each point."""
    one = [indices(tape, [edge]) for edge in (which, which + 1, 3)]
    coordinate = tape.op("Slice", [found.grid, *one])
    coordinate = tape.op("Reshape", [coordinate, indices(tape, (*lead, found.points, 1))])
    at = position_nodes(tape, coordinate, extent, found)
    each = tape.op("MatMul", [at, new_constant(tape, np.ones((1, extent), np.float32))])
    pixels = new_constant(tape, np.arange(extent, dtype=np.float32).reshape(*(1 for _ in lead), 1, extent))
    distance = tape.op("Abs", [tape.op("Sub", [each, pixels])])
    return tape.op("Relu", [tape.op("Sub", [scalar(tape, 1.0), distance])])
