"""AveragePool whose windows hang over the edge -> AveragePool of a padded input, times constants.

Why     OpenCV 4.x divides by other counts than ONNX where windows hang over (ceil_mode, unlike padding, SAME_LOWER), without an
        error, and ignores dilations, as 5.0.0's new engine does
Before  y = AveragePool<kernel_shape, strides, pads, ceil_mode, auto_pad, count_include_pad, dilations>(x)
After   y = Mul(AveragePool(Pad(x, pads)), k / n)      k pixels a window, n of them counted, a constant per pixel of y; with
        dilations a Conv of one channel at a time takes the AveragePool's place
Error   1e-6 where x is finite: it is scaled once more, and the sums may be in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of
from converter.rewrites.pad_before_conv import window_pads
from converter.rewrites.pad_before_max_pool import reach, windows


@rule("AveragePool", max_error=1e-6)
def average_pool_by_counts(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before = shape_of(x, "the input")
    space, rank = before[2:], len(before) - 2
    kernel = tuple(node.attributes.get_ints("kernel_shape", []))
    strides = tuple(node.attributes.get_ints("strides", [1] * rank))
    dilations = tuple(node.attributes.get_ints("dilations", [1] * rank))
    pads = window_pads(node, space, kernel)
    count = windows(node, space, kernel, pads)
    starts, ends = pads[:rank], reach(node, space, kernel, count, pads[:rank])
    dilated = any(dilation > 1 for dilation in dilations)
    ceil = bool(node.attributes.get_int("ceil_mode", 0))
    if not any(pads) and not dilated and not ceil:
        raise Decline("no window hangs over the edge")

    counted = [0] * 2 * rank
    if node.attributes.get_int("count_include_pad", 0):
        counted = pads
    counts = np.ones((), np.float32)
    for axis in range(rank):
        first = np.arange(count[axis])[:, None] * strides[axis] - starts[axis]
        places = first + np.arange(kernel[axis]) * dilations[axis]
        inside = (places >= -counted[axis]) & (places < space[axis] + counted[axis + rank])
        counts = np.multiply.outer(counts, inside.sum(axis=1).astype(np.float32))

    if any(starts + ends):
        x = tape.op("Pad", [x, indices(tape, (0, 0, *starts, 0, 0, *ends))])
    if dilated:
        padded = [size + start + end for size, start, end in zip(space, starts, ends, strict=True)]
        maps = tape.op("Reshape", [x, indices(tape, (-1, 1, *padded))])
        weight = new_constant(tape, np.full((1, 1, *kernel), 1 / prod(kernel), np.float32))
        attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
        y = tape.op("Reshape", [tape.op("Conv", [maps, weight], attributes), indices(tape, (*before[:2], *count))])
    else:
        y = tape.op("AveragePool", [x], {"kernel_shape": kernel, "strides": strides})
    if (counts == prod(kernel)).all():
        return y
    return tape.op("Mul", [y, new_constant(tape, (np.float32(prod(kernel)) / counts)[None, None])])
