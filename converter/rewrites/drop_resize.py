"""Resize to the size that the input has already -> the input.

Why     exporters write it, and OpenCV refuses it like any other Resize of its mode
Before  y = Resize(x, roi, scales, sizes)      y.shape = x.shape, and the region is not cropped
After   y = x      (through Identity where y is the graph's output)
Error   0: the same tensor
"""

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, optional_input, pass_on, rule, shape_of


@rule("Resize", max_error=0.0)
def drop_resize(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if before != after:
        raise Decline(f"it does resize: {list(before)} to {list(after)}")
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise Decline("it crops a region")
    scales = array_of(optional_input(node, 2))
    if scales is not None and (scales != 1).any():
        raise Decline("a scale is not 1, though the size stays")
    assert x is not None
    return pass_on(node, tape, x)
