"""MatMul of a stack with a stack of constants -> a 1x1 Conv of one group per matrix.

Why     OpenCV 4.6.0 and older refuse a constant of more than two dimensions in a MatMul, and no version broadcasts one right;
        a grouped convolution is the same product; 5.0.0 writes beyond its buffer for groups of 14 (conv_pad_group_outputs)
Before  y = MatMul(x, c)      x: [..., N, K], c: [G, K, M] constant, the stacks of the same height G
After   y = Transpose(Reshape(Conv<group=G>(Reshape(Transpose(x), [1, G*K, N, 1]), c'), [..., M, N]))      c': [G*M', K, 1, 1]
        M' is M, or the next multiple of eight; then a Slice takes the surplus away
Error   1e-6: the products may be summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of

BLOCK = 8
"""Channels that 5.0.0's new engine keeps together."""


@rule("MatMul", max_error=1e-6)
def matmul_by_grouped_conv(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, right = (float32(value, "an operand") for value in node.inputs)
    weights = constant(right, "the right operand")
    before, after = shape_of(x, "the left operand"), shape_of(node.outputs[0], "the output")
    if weights.ndim < 3 or before[:-2] != weights.shape[:-2]:
        raise Decline("the operands are not two stacks of the same height")

    groups, (inner, columns), rows = prod(before[:-2]), weights.shape[-2:], before[-2]
    stack = x if len(before) == 3 else tape.op("Reshape", [x, indices(tape, (groups, rows, inner))])
    channels = tape.op("Transpose", [stack], {"perm": [0, 2, 1]})
    image = tape.op("Reshape", [channels, indices(tape, (1, groups * inner, rows, 1))])
    surplus = -columns % BLOCK
    kernel = np.pad(np.swapaxes(weights, -1, -2).reshape(groups, columns, inner), [(0, 0), (0, surplus), (0, 0)])
    kernel = kernel.reshape(groups * (columns + surplus), inner, 1, 1)
    y = tape.op("Conv", [image, new_constant(tape, kernel)], {"group": groups, "kernel_shape": [1, 1]})
    y = tape.op("Reshape", [y, indices(tape, (groups, columns + surplus, rows))])
    if surplus:
        y = tape.op("Slice", [y, indices(tape, (0,)), indices(tape, (columns,)), indices(tape, (1,))])
    y = tape.op("Transpose", [y], {"perm": [0, 2, 1]})
    return y if len(after) == 3 else tape.op("Reshape", [y, indices(tape, after)])
