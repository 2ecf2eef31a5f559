"""Resize of two or three dimensions -> Resize of four, between Reshapes.

Why     OpenCV resizes four dimensions only
Before  y = Resize(x)      x: [N, C, L] or [H, W]
After   y = Reshape(Resize(Reshape(x, [1, N, C, L]), sizes), y.shape)
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, optional_input, rule, shape_of


@rule("Resize", max_error=0.0)
def resize_of_rank_4(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    rank = len(before)
    if rank not in (2, 3):
        raise Decline(f"the input has {rank} dimensions, not 2 or 3")
    if node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Decline("the aspect ratio is kept by a policy")
    ones = (1,) * (4 - rank)
    scales = array_of(optional_input(node, 2))
    image = tape.op("Reshape", [x, indices(tape, ones + before)])
    rest = {name: attribute for name, attribute in node.attributes.items() if name != "axes"}
    if scales is not None and scales.size:
        all_scales = np.ones(4, np.float32)
        axes = node.attributes.get_ints("axes", range(rank))
        all_scales[[axis % rank + 4 - rank for axis in axes]] = scales
        y = tape.op("Resize", [image, None, new_constant(tape, all_scales)], rest)
    else:
        y = tape.op("Resize", [image, None, None, indices(tape, ones + after)], rest)
    return tape.op("Reshape", [y, indices(tape, after)])
