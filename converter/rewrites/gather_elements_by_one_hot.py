"""GatherElements of computed indices -> a product with ones and zeros for each row.

Why     OpenCV 4.7.0 and older know no GatherElements; later ones get indices that a net computes wrong
Before  y = GatherElements<axis>(x, i)      i computed; R rows along the axis, of n numbers, of which m are taken
After   s = Relu(1 - Abs(i - [0, 1, ..., n - 1])), [R, m, n];  y = MatMul(s, x as [R, n, 1])
Error   0 where x is finite: every sum has one term that is not zero
"""

from math import prod

import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, float32, indices, rule, shape_of
from converter.rewrites._hot import from_start, hot


@rule("GatherElements", max_error=0.0)
def gather_elements_by_one_hot(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, index = float32(node.inputs[0], "the input"), node.inputs[1]
    shape, after = shape_of(x, "the input"), shape_of(index, "the indices")
    assert index is not None
    if index.const_value is not None:
        raise Decline("the indices are constant")
    if 0 in shape or 0 in after:
        raise Decline("the result is empty")
    axis = node.attributes.get_int("axis", 0) % len(shape)
    kept = [extent for a, extent in enumerate(shape) if a != axis]
    if kept != [extent for a, extent in enumerate(after) if a != axis]:
        raise Decline(f"the indices {list(after)} leave out rows of {list(shape)}")
    rows, n, m = prod(kept), shape[axis], after[axis]
    if (count := rows * n * m) > MAX_FOLDED:
        raise Decline(f"there would be {count} ones and zeros, more than {MAX_FOLDED}")

    order = [*(a for a in range(len(shape)) if a != axis), axis]
    lead = (rows,) if rows > 1 else ()
    turned = axis != len(shape) - 1 and prod(shape[axis + 1 :]) > 1
    along = tape.op("Transpose", [x], {"perm": order}) if turned else x
    column = tape.op("Reshape", [along, indices(tape, (*lead, n, 1))])
    number = from_start(tape, index, n)
    if turned:
        number = tape.op("Transpose", [number], {"perm": order})
    y = tape.op("MatMul", [hot(tape, number, (*lead, m), n), column])
    if not turned:
        return tape.op("Reshape", [y, indices(tape, after)])
    y = tape.op("Reshape", [y, indices(tape, (*kept, m))])
    return tape.op("Transpose", [y], {"perm": [order.index(a) for a in range(len(shape))]})
