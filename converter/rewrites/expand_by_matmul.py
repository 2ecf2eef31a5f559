"""Expand of the last dimension from 1 -> MatMul with a row of ones.

Why     OpenCV 4.8.1 and older refuse an Expand of several dimensions, and a Concat of very many copies is slow
Before  y = Expand(x, shape)      x: [..., 1]
After   y = Expand(MatMul(x, ones[1, n]), shape)      the Expand only where another dimension grows too
Error   0: one is exact, and nothing is summed
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("Expand", max_error=0.0)
def expand_by_matmul(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if len(before) < 2 or before[-1] != 1 or after[-1] == 1:
        raise Decline("the last of two or more dimensions does not grow from 1")
    y = tape.op("MatMul", [x, new_constant(tape, np.ones((1, after[-1]), np.float32))])
    return y if (*before[:-1], after[-1]) == after else tape.op("Expand", [y, indices(tape, after)])
