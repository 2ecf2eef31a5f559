"""MatMul of four and more dimensions -> MatMul of three, between Reshapes.

Why     some OpenCV 4.x are wrong or fail at products of stacks with more than one batch dimension
Before  y = MatMul(a, b)      a: [B, H, N, K], b: [B, H, K, M]
After   y = Reshape(MatMul(Reshape(a, [B*H, N, K]), Reshape(b, [B*H, K, M])), y.shape);  a constant is reshaped here
Error   1e-6: the products may be summed in another order
"""

from math import prod

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("MatMul", max_error=1e-6)
def matmul_of_rank_3(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if len(shapes[0]) < 4 or shapes[0][:-2] != shapes[1][:-2]:
        raise Decline("the operands are not two stacks of the same height with two or more batch dimensions")
    stacks = []
    for value, shape in zip(values, shapes, strict=True):
        flat = (prod(shape[:-2]), *shape[-2:])
        if (array := array_of(value)) is not None:
            stacks.append(new_constant(tape, array.reshape(flat)))
        else:
            stacks.append(tape.op("Reshape", [value, indices(tape, flat)]))
    return tape.op("Reshape", [tape.op("MatMul", stacks), indices(tape, after)])
