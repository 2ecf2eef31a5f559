"""Gather of constant indices along the last axis -> MatMul with a constant matrix of ones and zeros.

Why     OpenCV 4.6.0 and older take one index only, and scattered indices are too many Slices
Before  y = Gather<axis=last>(x, i)      i constant; another axis is brought to the end by Transposes
After   y = Reshape(MatMul(x, m), y.shape)      m[i[k], k] = 1
Error   0 where x is finite: every sum has one term that is not zero; an infinity would make the row's other sums NaN
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, constant, float32, indices, new_constant, rule, shape_of

MAX_WORK = 1 << 28
"""Multiplications that the product may take: a Gather must not become the slowest layer."""


@rule("Gather", max_error=0.0)
def gather_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    axis = (node.attributes.get_int("axis") or 0) % len(shape)
    taken = constant(node.inputs[1], "the indices").ravel() % shape[axis]
    if not taken.size or 0 in shape:
        raise Decline("the result is empty")
    if (count := taken.size * shape[axis]) > MAX_FOLDED:
        raise Decline(f"the matrix would have {count} elements, more than {MAX_FOLDED}")
    if (work := int(np.prod(shape)) * taken.size) > MAX_WORK:
        raise Decline(f"the product would take {work} multiplications, more than {MAX_WORK}")

    pick = np.zeros((shape[axis], taken.size), np.float32)
    pick[taken, np.arange(taken.size)] = 1
    outer, inner = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    flat = [outer, shape[axis], inner]
    if inner == 1:
        rows = x if shape == (outer, shape[axis]) else tape.op("Reshape", [x, indices(tape, flat[:2])])
        return _reshaped(tape.op("MatMul", [rows, new_constant(tape, pick)]), (outer, taken.size), after, tape)
    x = _reshaped(x, shape, tuple(flat), tape)
    turned = tape.op("Transpose", [x], {"perm": [0, 2, 1]})
    product = tape.op("MatMul", [turned, new_constant(tape, pick)])
    back = tape.op("Transpose", [product], {"perm": [0, 2, 1]})
    return _reshaped(back, (outer, taken.size, inner), after, tape)


def _reshaped(value: ir.Value, before: tuple[int, ...], after: tuple[int, ...], tape: ir.tape.Tape) -> ir.Value:
    return value if before == after else tape.op("Reshape", [value, indices(tape, after)])
