"""MatMul of a stack with one matrix -> one product of all its rows.

Why     OpenCV 4.8.1 and older refuse operands whose batch dimensions differ, and 4.9.0 to 4.14.0 give wrong numbers for
        some with a constant
Before  y = MatMul(a, b)      b one matrix: [K, M] or [1, ..., 1, K, M]; or a one matrix and b a stack
After   y = Reshape(MatMul(Reshape(a, [rows, K]), b), y.shape);  for a single left
        operand the same of the transposes, or the constant matrices of b side by side
Error   1e-6: the products may be summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("MatMul", max_error=1e-6)
def matmul_merge_batch(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    a, b = (float32(value, "an operand") for value in node.inputs)
    left, right = shape_of(a, "the left operand"), shape_of(b, "the right operand")
    after = shape_of(node.outputs[0], "the output")
    if min(len(left), len(right)) < 2:
        raise Decline("an operand is a vector")
    if len(left) == len(right) == 2 or left[:-2] == right[:-2]:
        raise Decline("the batch dimensions are the same")
    if prod(right[:-2]) == 1:
        rows = _flat(a, left, (prod(left[:-1]), left[-1]), tape)
        product = tape.op("MatMul", [rows, _flat(b, right, right[-2:], tape)])
        return tape.op("Reshape", [product, indices(tape, after)])
    if prod(left[:-2]) > 1:
        raise Decline("both operands are stacks of matrices")

    count, inner, columns = prod(right[:-2]), right[-2], right[-1]
    if (stack := array_of(b)) is not None:  # the matrices side by side
        side = np.moveaxis(stack.reshape(count, inner, columns), 0, 1).reshape(inner, count * columns)
        product = tape.op("MatMul", [_flat(a, left, left[-2:], tape), new_constant(tape, side)])
        apart = tape.op("Reshape", [product, indices(tape, (left[-2], count, columns))])
        y = tape.op("Transpose", [apart], {"perm": [1, 0, 2]})
        return y if after == (count, left[-2], columns) else tape.op("Reshape", [y, indices(tape, after)])
    turned = tape.op("Transpose", [_flat(b, right, (count, inner, columns), tape)], {"perm": [0, 2, 1]})
    rows = tape.op("Reshape", [turned, indices(tape, (count * columns, inner))])
    product = tape.op("MatMul", [rows, _transposed(_flat(a, left, left[-2:], tape), tape)])
    apart = tape.op("Reshape", [product, indices(tape, (count, columns, left[-2]))])
    y = tape.op("Transpose", [apart], {"perm": [0, 2, 1]})
    return y if after == (count, left[-2], columns) else tape.op("Reshape", [y, indices(tape, after)])


def _flat(value: ir.Value, before: tuple[int, ...], after: tuple[int, ...], tape: ir.tape.Tape) -> ir.Value:
    if before == after:
        return value
    if (array := array_of(value)) is not None:
        return new_constant(tape, array.reshape(after))
    return tape.op("Reshape", [value, indices(tape, after)])


def _transposed(value: ir.Value, tape: ir.tape.Tape) -> ir.Value:
    array = array_of(value)
    return tape.op("Transpose", [value], {"perm": [1, 0]}) if array is None else new_constant(tape, array.T)
