"""MatMul with a vector -> MatMul of matrices, and Reshape.

Why     no OpenCV runs a MatMul with an operand of one dimension right: it fails or keeps the dimension
Before  y = MatMul(a, v)      or MatMul(v, b)
After   y = Reshape(MatMul(a, Reshape(v, [K, 1])), y.shape);  a constant vector is reshaped here
Error   1e-6: a matrix product may be summed in another order
"""

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("MatMul", max_error=1e-6)
def matmul_of_vector(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if all(len(shape) > 1 for shape in shapes):
        raise Decline("no operand is a vector")

    matrices = []
    for value, shape, matrix in zip(values, shapes, ((1, -1), (-1, 1)), strict=True):
        if len(shape) > 1:
            matrices.append(value)
        elif (array := array_of(value)) is not None:
            matrices.append(new_constant(tape, array.reshape(matrix)))
        else:
            matrices.append(tape.op("Reshape", [value, indices(tape, matrix)]))
    return tape.op("Reshape", [tape.op("MatMul", matrices), indices(tape, after)])
