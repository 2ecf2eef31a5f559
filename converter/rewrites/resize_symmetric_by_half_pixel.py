"""Resize by sizes in mode half_pixel_symmetric -> the same in mode half_pixel.

Why     no OpenCV knows half_pixel_symmetric. It differs from half_pixel only where the size is not the scale's multiple
Before  y = Resize<coordinate_transformation_mode="half_pixel_symmetric">(x, roi, scales, sizes)      size = scale * old size
After   y = Resize<coordinate_transformation_mode="half_pixel">(x, roi, scales, sizes)
Error   1e-5: the positions are the same but for rounding
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, optional_input, rule, shape_of


@rule("Resize", max_error=1e-5)
def resize_symmetric_by_half_pixel(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    before, after = shape_of(node.inputs[0], "the input"), shape_of(node.outputs[0], "the output")
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") != "half_pixel_symmetric":
        raise Decline("the mode is not half_pixel_symmetric")
    scales = array_of(optional_input(node, 2))
    if scales is not None and scales.size:
        axes = node.attributes.get_ints("axes", range(len(before)))
        wanted = [before[axis] * float(scale) for axis, scale in zip(axes, scales, strict=True)]
        if not np.allclose(wanted, [after[axis] for axis in axes], rtol=1e-6):
            raise Decline("a size is not the scale's multiple")
    return tape.op("Resize", node.inputs, {**node.attributes, "coordinate_transformation_mode": "half_pixel"})
