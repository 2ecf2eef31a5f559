"""MatMul of two tensors of two or three dimensions -> MatMul of four, between Reshapes.

Why     OpenCV 4.8.1 and older drop the activation behind a MatMul of two tensors (Relu, Sigmoid, Clip, Neg, ...), 4.6.0 and
        older a factor or a number behind it too, without an error: they fuse it into the product, which ignores it. With a
        Reshape between they don't. (matmul_of_rank_3 does it for more dimensions.)
Before  y = MatMul(a, b)      neither constant, both of rank 2 or both of rank 3 and of the same height
After   y = Reshape(MatMul(Reshape(a, [1, B, N, K]), Reshape(b, [1, B, K, M])), y.shape)
Error   0: the same sums
"""

import onnx_ir as ir

from converter.graph import is_constant
from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("MatMul", max_error=0.0)
def matmul_of_rank_4(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if any(is_constant(value) for value in values):
        raise Decline("an operand is constant")
    ranks = {len(shape) for shape in shapes}
    if ranks not in ({2}, {3}) or shapes[0][:-2] != shapes[1][:-2]:
        raise Decline("the operands are not two matrices, or two stacks of three dimensions and of the same height")
    stacks = [
        tape.op("Reshape", [value, indices(tape, (1,) * (4 - len(shape)) + shape)])
        for value, shape in zip(values, shapes, strict=True)
    ]
    return tape.op("Reshape", [tape.op("MatMul", stacks), indices(tape, after)])
