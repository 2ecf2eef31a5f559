"""GridSample at constant points -> a sum of Gathers with constant indices.

Why     no OpenCV 4.x knows GridSample. Where the points are known, so are the pixels that each one reads, and their weights
Before  y = GridSample(x, grid)      x: [1, C, H, W], grid constant
After   f = Reshape(x, [C, H * W]);  y = Sum over the 1, 4 or 16 neighbours of Gather<axis=1>(f, pixel) * weight
        Cubic weights by R. Keys, Cubic convolution interpolation for digital image processing, 1981, with a = -0.75
Error   1e-5: weights and sums are rounded in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, new_constant, rule, shape_of
from converter.rewrites._sampling import Sampling, positions, reflected, sampling_of

SHARPNESS = -0.75


@rule("GridSample", max_error=1e-5)
def grid_sample_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    found = sampling_of(node)
    grid = constant(found.grid, "the grid")
    if found.batch != 1:
        raise Decline(f"the batch has {found.batch} images, each with points of its own")
    (columns, across), (rows, along) = (
        _taps(grid[0, ..., which].ravel(), extent, found) for which, extent in ((0, found.width), (1, found.height))
    )
    flat = tape.op("Reshape", [found.x, indices(tape, (found.channels, found.height * found.width))])
    total = None
    for row, down in zip(rows, along, strict=True):
        for column, right in zip(columns, across, strict=True):
            weight = (down * right).astype(np.float32)
            if not weight.any():
                continue
            part = tape.op("Gather", [flat, indices(tape, row * found.width + column)], {"axis": 1})
            if not (weight == 1).all():
                part = tape.op("Mul", [part, new_constant(tape, weight.reshape(1, -1))])
            total = part if total is None else tape.op("Add", [total, part])
    if total is None:
        raise Decline("no point lies in the image: the result is constant")
    return tape.op("Reshape", [total, indices(tape, shape_of(node.outputs[0], "the output"))])


def _taps(grid: np.ndarray, extent: int, found: Sampling) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each neighbour along an axis: which pixel it is at each point, and its weight there."""
    at = positions(grid, extent, found.aligned)
    if found.mode == "nearest":
        at = np.rint(at)
    elif found.mode == "linear":
        at = _inside(at, extent, found)
    at = at.astype(np.float64)
    first = np.floor(at)
    reach = {"nearest": (0,), "linear": (0, 1), "cubic": (-1, 0, 1, 2)}.get(found.mode)
    if reach is None:
        raise Decline(f"mode {found.mode} is not nearest, linear or cubic")
    pixels, weights = [], []
    for step in reach:
        pixel = first + step
        distance = np.abs(at - pixel)
        weight = _cubic(distance) if found.mode == "cubic" else np.maximum(0.0, 1.0 - distance)
        pixel = _inside(pixel, extent, found)
        weights.append(np.where((pixel >= 0) & (pixel < extent), weight, 0.0))
        pixels.append(np.clip(pixel, 0, extent - 1).astype(np.int64))
    return pixels, weights


def _inside(at: np.ndarray, extent: int, found: Sampling) -> np.ndarray:
    """Positions moved into the image, unless beyond it there is zero."""
    if found.padding == "zeros":
        return at
    if found.padding == "reflection":
        at = reflected(at, *found.range_of(extent))
    return np.asarray(np.clip(at, 0, extent - 1))


def _cubic(d: np.ndarray) -> np.ndarray:
    a = SHARPNESS
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
