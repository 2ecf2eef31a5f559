"""Slice with negative steps -> Gather of the elements, axis by axis.

Why     OpenCV 4.x fails at a Slice that runs backwards (a flip)
Before  y = Slice(x, starts, ends, axes, steps)      all constant, a step negative
After   y = Gather<axis>(x, positions)      one per axis that is not taken whole
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, optional_input, rule, shape_of


@rule("Slice", max_error=0.0)
def slice_by_gather(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    starts, ends = (constant(node.inputs[position], "a position") for position in (1, 2))
    steps_input = optional_input(node, 4)
    if steps_input is None or (steps := constant(steps_input, "steps")).min() > 0:
        raise Decline("no step is negative")
    axes_input = optional_input(node, 3)
    axes = np.arange(len(starts)) if axes_input is None else constant(axes_input, "axes") % len(shape)
    taken = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        extent = shape[axis]
        if step < 0 and (start < -extent or end >= extent):  # ONNX says empty, ONNX Runtime does not always
            raise Decline("a negative step starts before the first element or ends behind the last")
        taken[int(axis)] = range(extent)[int(start) : int(end) : int(step)]
    if not all(taken.values()):
        raise Decline("the result is empty")

    for axis, positions in taken.items():
        if positions != range(shape[axis]):
            x = tape.op("Gather", [x, indices(tape, positions)], {"axis": axis})
    return x
