"""Pad of some axes by name -> Pad with an amount for every axis.

Why     OpenCV 4.x and 5.0.0's classic engine know no axes in a Pad
Before  y = Pad(x, pads, value, axes)
After   y = Pad(x, pads of all axes, value)
Error   0: the same node
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, optional_input, rule, shape_of


@rule("Pad", max_error=0.0)
def pad_all_axes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    axes_input = optional_input(node, 3)
    if axes_input is None:
        raise Decline("it names no axes")
    rank = len(shape_of(node.inputs[0], "the input"))
    axes = constant(axes_input, "axes") % rank
    pads = np.zeros((2, rank), np.int64)
    pads[:, axes] = constant(node.inputs[1], "pads").reshape(2, -1)
    value = [node.inputs[2]] if node.inputs[2] is not None else []
    return tape.op("Pad", [node.inputs[0], indices(tape, pads.ravel()), *value], node.attributes)
