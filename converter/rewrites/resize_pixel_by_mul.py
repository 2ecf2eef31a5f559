"""Resize of a 1x1 map -> Mul with ones.

Why     5.0.0's new engine reads uninitialised memory in a linear Resize of a 1x1 map behind a convolution (the image
        pooling branch of DeepLab's ASPP), and not every OpenCV has the Expand that would do it too
Before  y = Resize<mode>(x, roi, scales, sizes)      x: [N, C, 1, 1]
After   y = Mul(x, ones)
Error   5e-6: the sixteen cubic weights, each rounded, add up to 1 but for that
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, new_constant, rule, shape_of


@rule("Resize", max_error=5e-6)
def resize_pixel_by_mul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if before == after:
        raise Decline("the size does not change")
    if any(old not in (1, new) for old, new in zip(before, after, strict=True)):
        raise Decline(f"it resizes {list(before)} to {list(after)}, which is not one pixel")
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise Decline("tf_crop_and_resize may fill with another value than the pixel")
    grown = [new if old != new else 1 for old, new in zip(before, after, strict=True)]
    return tape.op("Mul", [x, new_constant(tape, np.ones(grown, np.float32))])
