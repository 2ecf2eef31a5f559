"""Resize to the nearest pixel by whole factors -> ConvTranspose with a kernel of ones.

Why     OpenCV 4.6.0 and older have no Gather to fall back on where they refuse a Resize or take another pixel
Before  y = Resize<mode="nearest">(x, roi, scales, sizes)      each pixel becomes a block of pixels: [N, C, H, W] to
        [N, C, a * H, b * W]
After   y = Reshape(ConvTranspose<strides=[a, b]>(Reshape(x, [N * C, 1, H, W]), ones[1, 1, a, b]), y.shape)
Error   0: one is exact, and nothing is summed
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("Resize", max_error=0.0)
def resize_by_conv_transpose(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    attributes = node.attributes
    if len(before) != 4 or before[:2] != after[:2] or before == after:
        raise Decline(f"it resizes {list(before)} to {list(after)}, not height and width of four dimensions")
    factors = [new // old for old, new in zip(before[2:], after[2:], strict=True)]
    if any(new % old for old, new in zip(before[2:], after[2:], strict=True)):
        raise Decline(f"{list(before[2:])} to {list(after[2:])} is not a whole factor")
    place, rounding = (
        attributes.get_string("coordinate_transformation_mode", "half_pixel"),
        attributes.get_string("nearest_mode", "round_prefer_floor"),
    )
    blocks = (place == "asymmetric" and rounding == "floor") or (
        place in ("half_pixel", "pytorch_half_pixel") and (rounding or "").startswith("round") and min(after[2:]) > 1
    )
    if attributes.get_string("mode", "nearest") != "nearest" or not blocks:
        raise Decline("a pixel does not become a block of pixels in this mode")

    maps = tape.op("Reshape", [x, indices(tape, (-1, 1, *before[2:]))])
    ones = new_constant(tape, np.ones((1, 1, *factors), np.float32))
    y = tape.op("ConvTranspose", [maps, ones], {"kernel_shape": factors, "strides": factors})
    return tape.op("Reshape", [y, indices(tape, after)])
