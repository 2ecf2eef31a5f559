"""Gather of computed indices -> a product with a matrix of ones and zeros, made by arithmetic.

Why     OpenCV 4.6.0 and older take constant indices only, later ones get computed ones wrong in some ranks
Before  y = Gather<axis>(x, i)      i computed, x: [before, n, after]
After   s = Relu(1 - Abs(i - [0, 1, ..., n - 1])), one row an index;  y = MatMul(s, x)
Error   0 where x is finite: every sum has one term that is not zero
"""

from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of
from converter.rewrites._hot import from_start, hot

MAX_MATRIX = 1 << 22
MAX_WORK = 1 << 28
"""Elements of the matrix, and multiplications by it: a Gather must not become the slowest layer."""


@rule("Gather", max_error=0.0)
def gather_by_one_hot(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, index = float32(node.inputs[0], "the input"), node.inputs[1]
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    taken = prod(shape_of(index, "the indices"))
    assert index is not None
    if index.const_value is not None:
        raise Decline("the indices are constant")
    axis = node.attributes.get_int("axis", 0) % len(shape)
    if 0 in shape or not taken:
        raise Decline("the result is empty")
    before, n, behind = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    if (count := taken * n) > MAX_MATRIX:
        raise Decline(f"the matrix would have {count} elements, more than {MAX_MATRIX}")
    if (work := taken * prod(shape)) > MAX_WORK:
        raise Decline(f"the product would take {work} multiplications, more than {MAX_WORK}")

    picks = hot(tape, from_start(tape, index, n), (taken,), n)
    flat = tape.op("Reshape", [x, indices(tape, (before, n, behind) if before > 1 else (n, behind))])
    if before > 1:
        flat = tape.op("Transpose", [flat], {"perm": [1, 0, 2]})
        flat = tape.op("Reshape", [flat, indices(tape, (n, before * behind))])
    y = tape.op("MatMul", [picks, flat])
    if before > 1:
        y = tape.op("Reshape", [y, indices(tape, (taken, before, behind))])
        y = tape.op("Transpose", [y], {"perm": [1, 0, 2]})
    return tape.op("Reshape", [y, indices(tape, after)])
