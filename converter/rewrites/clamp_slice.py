"""Slice with ends beyond the input, negative positions or left-out axes -> the same in plain numbers.

Why     exporters write "to the end" as 2^63-1 and count from the end with negative numbers; OpenCV's attention pattern takes
        end - start for a size, in 32 bits. (A Slice alone was right on every OpenCV measured.)
Before  y = Slice(x, starts, ends, axes, steps)      all constant, int64 or int32
After   the same with 0 <= start, end <= dim, every axis and step written, int64. A negative step that runs through the
        first element ends at -dim-1: no other number means "before the first"
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, indices, optional_input, rule, shape_of


@rule("Slice", max_error=0.0)
def clamp_slice(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    shape = shape_of(x, "the input")
    written = [constant(value, "a position") if value is not None else None for value in node.inputs[1:]]
    starts, ends = (constant(node.inputs[position], "a position") for position in (1, 2))
    axes_input, steps_input = optional_input(node, 3), optional_input(node, 4)
    axes = np.arange(len(starts)) if axes_input is None else constant(axes_input, "axes") % len(shape)
    steps = np.ones(len(starts), np.int64) if steps_input is None else constant(steps_input, "steps")

    plain = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        extent = shape[axis]
        if step < 0 and (start < -extent or end >= extent):  # ONNX says empty, ONNX Runtime does not always
            raise Decline("a negative step starts before the first element or ends behind the last")
        first, last, _ = slice(int(start), int(end), int(step)).indices(extent)
        if step > 0:
            last = max(first, last)
        elif last < 0:
            last = -extent - 1
        plain.append((first, last, int(axis), int(step)))
    numbers = [np.array(column, np.int64) for column in zip(*plain, strict=True)]
    if len(written) == 4 and all(_same(old, new) for old, new in zip(written, numbers, strict=True)):
        raise Decline("its positions are within the input already")
    return tape.op("Slice", [x, *(indices(tape, column) for column in numbers)])


def _same(old: np.ndarray | None, new: np.ndarray) -> bool:
    return old is not None and old.dtype == np.int64 and np.array_equal(old, new)
