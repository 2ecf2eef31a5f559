"""Concat of one tensor with constants -> Pad with zeros, then Add of the constants in their place.

Why     OpenCV 4.x and 5.0.0's classic engine lay the operands of some Concats into the result beforehand; where one is the
        net's input, and one a constant, that input is never written: memory of before comes out
Before  y = Concat<axis>(c, x, d)      c, d constant
After   y = Add(Pad(x), k)      k: c and d where they belong, 0 where x is; Add keeps infinities and NaN as they are
Error   0: zero is added to x, and the constants to zero
"""

from itertools import accumulate
from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import MAX_FOLDED, Decline, float32, indices, new_constant, rule, shape_of


@rule("Concat", max_error=0.0)
def concat_by_pad(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    arrays = [array_of(value) for value in values]
    tensors = [position for position, array in enumerate(arrays) if array is None]
    if len(tensors) != 1 or len(values) == 1:
        raise Decline("it does not join one tensor with constants")
    if prod(after) > MAX_FOLDED:
        raise Decline(f"the constant would have {prod(after)} elements, more than {MAX_FOLDED}")
    axis = (node.attributes.get_int("axis") or 0) % len(after)
    here = tensors[0]
    ends = list(accumulate(shape[axis] for shape in shapes))
    start = ends[here] - shapes[here][axis]

    blank = [
        np.zeros(shape, np.float32) if array is None else array for array, shape in zip(arrays, shapes, strict=True)
    ]
    pads = np.zeros((2, len(after)), np.int64)
    pads[:, axis] = start, after[axis] - ends[here]
    padded = tape.op("Pad", [values[here], indices(tape, pads.ravel())])
    return tape.op("Add", [padded, new_constant(tape, np.concatenate(blank, axis=axis))])
