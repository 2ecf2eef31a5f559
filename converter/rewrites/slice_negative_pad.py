"""Pad with negative amounts -> Slice, then Pad with what is positive.

Why     OpenCV 4.x and 5.0.0's classic engine refuse to crop by a negative Pad
Before  y = Pad(x, pads)      pads constant, some negative
After   y = Pad(Slice(x), the others);  the Pad only where one is positive
Error   0: the same numbers
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, optional_input, rule, shape_of


@rule("Pad", max_error=0.0)
def slice_negative_pad(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    shape = shape_of(x, "the input")
    pads = constant(node.inputs[1], "pads")
    axes_input = optional_input(node, 3)
    axes = np.arange(len(shape)) if axes_input is None else constant(axes_input, "axes") % len(shape)
    mode = node.attributes.get_string("mode", "constant")
    if pads.min() >= 0:
        raise Decline("no amount is negative")
    if mode != "constant" and pads.max() > 0:
        raise Decline(f"mode {mode} would repeat what is cropped")

    before, after = pads.reshape(2, -1)
    cropped = [axis for axis in range(len(axes)) if before[axis] < 0 or after[axis] < 0]
    starts = [max(0, -int(before[axis])) for axis in cropped]
    ends = [shape[axes[axis]] + min(0, int(after[axis])) for axis in cropped]
    if any(start >= end for start, end in zip(starts, ends, strict=True)):
        raise Decline("nothing is left between the crops")
    positions = (starts, ends, [int(axes[axis]) for axis in cropped], [1] * len(cropped))
    y = tape.op("Slice", [x, *(indices(tape, column) for column in positions)])
    if pads.max() <= 0:
        return y
    return tape.op("Pad", [y, indices(tape, np.maximum(pads, 0)), *node.inputs[2:]], {"mode": mode})
