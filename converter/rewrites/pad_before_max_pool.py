"""MaxPool with ceil_mode, auto_pad or unlike padding -> Pad with -infinity, then MaxPool without padding.

Why     OpenCV 4.x pads SAME_LOWER at the other end, and ceil_mode starts windows that ONNX does not start, without an error
Before  y = MaxPool<kernel_shape, strides, pads, ceil_mode, auto_pad>(x)
After   y = MaxPool<kernel_shape, strides>(Pad(x, pads, -inf)), padded at the end as far as y's last window reaches
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of
from converter.rewrites.pad_before_conv import window_pads


@rule("MaxPool", max_error=0.0)
def pad_before_max_pool(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    space = shape_of(x, "the input")[2:]
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise Decline("the positions of the largest are asked for")
    kernel = tuple(node.attributes.get_ints("kernel_shape", []))
    pads = window_pads(node, space, kernel)
    half = len(pads) // 2
    plain = not node.attributes.get_int("ceil_mode", 0) and node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET"
    if plain and pads[:half] == pads[half:]:
        raise Decline("the padding is the same on both sides and ceil_mode is 0")
    starts, ends = pads[:half], reach(node, space, kernel, windows(node, space, kernel, pads), pads[:half])
    kept = {name: node.attributes[name] for name in ("kernel_shape", "strides", "dilations") if name in node.attributes}
    if not any(starts + ends):
        return tape.op("MaxPool", [x], kept)
    nothing = new_constant(tape, np.array(-np.inf, np.float32))
    padded = tape.op("Pad", [x, indices(tape, (0, 0, *starts, 0, 0, *ends)), nothing])
    return tape.op("MaxPool", [padded], kept)


def windows(node: ir.Node, space: tuple[int, ...], kernel: tuple[int, ...], pads: list[int]) -> list[int]:
    """How many windows each axis has: with ceil_mode one may hang over, but none starts behind the input and its front."""
    rank = len(space)
    ceil = bool(node.attributes.get_int("ceil_mode", 0))
    strides = node.attributes.get_ints("strides", [1] * rank)
    dilations = node.attributes.get_ints("dilations", [1] * rank)
    counts = []
    for axis, (size, stride) in enumerate(zip(space, strides, strict=True)):
        room = size + pads[axis] + pads[axis + rank] - (kernel[axis] - 1) * dilations[axis] - 1
        count = (-(-room // stride) if ceil else room // stride) + 1
        counts.append(count - 1 if ceil and (count - 1) * stride >= size + pads[axis] else count)
    return counts


def reach(
    node: ir.Node, space: tuple[int, ...], kernel: tuple[int, ...], after: list[int], starts: list[int]
) -> list[int]:
    """How far beyond the end of each axis the last window of the output reaches."""
    strides = node.attributes.get_ints("strides", [1] * len(space))
    dilations = node.attributes.get_ints("dilations", [1] * len(space))
    return [
        max(0, (count - 1) * stride + (width - 1) * dilation + 1 - size - start)
        for size, width, count, start, stride, dilation in zip(
            space, kernel, after, starts, strides, dilations, strict=True
        )
    ]
