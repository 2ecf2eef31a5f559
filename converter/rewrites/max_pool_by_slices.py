"""MaxPool with dilations -> Max of strided Slices, one per pixel of the window.

Why     OpenCV 4.x ignores the dilations of a MaxPool, without an error
Before  y = MaxPool<kernel_shape, strides, dilations, pads>(x)
After   y = Max(Max(Slice(p, 0), Slice(p, 1)), ...)      p = Pad(x, pads, -inf) where it is padded
Error   0: the same numbers
"""

from itertools import product
from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of
from converter.rewrites.pad_before_conv import window_pads
from converter.rewrites.pad_before_max_pool import reach, windows

MAX_PIXELS = 64


@rule("MaxPool", max_error=0.0)
def max_pool_by_slices(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    space = shape_of(x, "the input")[2:]
    rank = len(space)
    dilations = node.attributes.get_ints("dilations", [1] * rank)
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise Decline("the positions of the largest are asked for")
    if set(dilations) <= {1}:
        raise Decline("the window is not dilated")
    kernel = tuple(node.attributes.get_ints("kernel_shape", []))
    if prod(kernel) > MAX_PIXELS:
        raise Decline(f"the window has {prod(kernel)} pixels, more than {MAX_PIXELS}")
    strides = node.attributes.get_ints("strides", [1] * rank)
    pads = window_pads(node, space, kernel)
    after, starts = windows(node, space, kernel, pads), pads[:rank]
    ends = reach(node, space, kernel, after, starts)
    if any(starts + ends):
        nothing = new_constant(tape, np.array(-np.inf, np.float32))
        x = tape.op("Pad", [x, indices(tape, (0, 0, *starts, 0, 0, *ends)), nothing])

    axes, steps = indices(tape, range(2, rank + 2)), indices(tape, strides)
    y = None
    for pixel in product(*(range(width) for width in kernel)):
        first = [place * dilation for place, dilation in zip(pixel, dilations, strict=True)]
        last = [start + (count - 1) * stride + 1 for start, count, stride in zip(first, after, strides, strict=True)]
        part = tape.op("Slice", [x, indices(tape, first), indices(tape, last), axes, steps])
        y = part if y is None else tape.op("Max", [y, part])
    assert y is not None
    return y
