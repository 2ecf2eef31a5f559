"""Gather of evenly spaced constant indices -> Slice and Reshape; of every element in order Reshape alone.

Why     OpenCV 4.6.0 and older take one index only; exporters write x[:, ::2] and scale[None, :, None, None] as Gathers of
        a whole range
Before  y = Gather<axis>(x, i)      i constant: first, first + step, first + 2 step, ...
After   y = Reshape(Slice(x, first, last + 1, axis, step), y.shape);  each only where it changes something
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, pass_on, rule, shape_of


@rule("Gather", max_error=0.0)
def gather_by_slice(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    assert x is not None
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    axis = (node.attributes.get_int("axis") or 0) % len(shape)
    taken = constant(node.inputs[1], "the indices").ravel() % shape[axis]
    if not taken.size:
        raise Decline("the result is empty")
    steps = np.unique(np.diff(taken))
    if len(steps) > 1 or (len(steps) == 1 and steps[0] < 1):
        raise Decline("the indices are not evenly spaced upwards")

    step = int(steps[0]) if len(steps) else 1
    y = x
    if len(taken) != shape[axis]:
        first, last = int(taken[0]), int(taken[-1])
        y = tape.op("Slice", [x, *(indices(tape, (number,)) for number in (first, last + 1, axis, step))])
    sliced = (*shape[:axis], len(taken), *shape[axis + 1 :])
    if sliced != after:
        return tape.op("Reshape", [y, indices(tape, after)])
    return pass_on(node, tape, y) if y is x else y
