"""Gather of constant indices -> Concat of Slices, one per evenly spaced run, and Reshape.

Why     OpenCV 4.6.0 and older take one index only; halo and window attention write overlapping windows as Gathers
Before  y = Gather<axis>(x, i)      i constant, made of a few runs
After   y = Reshape(Concat<axis>(Slice(x, run), Slice(x, run), ...), y.shape);  the Reshape only where the shape changes
Error   0: the same elements
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, rule, shape_of

MAX_RUNS = 128


@rule("Gather", max_error=0.0)
def gather_by_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    axis = (node.attributes.get_int("axis") or 0) % len(shape)
    taken = constant(node.inputs[1], "the indices").ravel() % shape[axis]
    found = runs(taken)
    if len(found) < 2:
        raise Decline("the indices are one run or none")
    if len(found) > MAX_RUNS:
        raise Decline(f"the indices are {len(found)} runs, more than {MAX_RUNS}")

    slices: dict[tuple[int, int, int], ir.Value] = {}
    for run in found:
        if run not in slices:
            slices[run] = tape.op("Slice", [x, *(indices(tape, (n,)) for n in (run[0], run[1], axis, run[2]))])
    y = tape.op("Concat", [slices[run] for run in found], {"axis": axis})
    joined = (*shape[:axis], len(taken), *shape[axis + 1 :])
    return y if joined == after else tape.op("Reshape", [y, indices(tape, after)])


def runs(taken: np.ndarray) -> list[tuple[int, int, int]]:
    """The positions as (start, end, step) of Slices upwards, each as long as it gets, in order."""
    found: list[tuple[int, int, int]] = []
    here = 0
    while here < len(taken):
        start, step, end = int(taken[here]), 1, here + 1
        if end < len(taken) and taken[end] > start:
            step = int(taken[end]) - start
            while end < len(taken) and taken[end] - taken[end - 1] == step:
                end += 1
        if end - here == 2 and step > 1:  # two numbers are always evenly spaced: the second may begin a longer run
            end, step = here + 1, 1
        found.append((start, int(taken[end - 1]) + 1, step))
        here = end
    return found
