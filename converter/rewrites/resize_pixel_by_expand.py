"""Resize of a 1x1 map -> Expand.

Why     5.0.0's new engine reads uninitialised memory in a linear Resize of a 1x1 map behind a convolution (the image
        pooling branch of DeepLab's ASPP); whatever the mode, the result is the one pixel everywhere
Before  y = Resize<mode>(x, roi, scales, sizes)      x: [N, C, 1, 1]
After   y = Expand(x, y.shape)
Error   5e-6: the sixteen cubic weights, each rounded, add up to 1 but for that
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("Resize", max_error=5e-6)
def resize_pixel_by_expand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if before == after:
        raise Decline("the size does not change")
    if any(old not in (1, new) for old, new in zip(before, after, strict=True)):
        raise Decline(f"it resizes {list(before)} to {list(after)}, which is not one pixel")
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise Decline("tf_crop_and_resize may fill with another value than the pixel")
    return tape.op("Expand", [x, indices(tape, after)])
