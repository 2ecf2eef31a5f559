"""MatMul that broadcasts its batch dimensions -> MatMul of two stacks of the same height.

Why     OpenCV 4.8.1 and older refuse operands whose batch dimensions differ
Before  y = MatMul(a, b)      a: [B, 1, N, K], b: [B, H, K, M]
After   y = Reshape(MatMul(a', b'), y.shape)      a', b' expanded to one batch dimension of all; a constant is expanded here
Error   1e-6: the products may be summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import MAX_FOLDED, Decline, float32, indices, new_constant, rule, shape_of


@rule("MatMul", max_error=1e-6)
def matmul_expand_batch(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if min(len(shape) for shape in shapes) < 2:
        raise Decline("an operand is a vector")
    if shapes[0][:-2] == shapes[1][:-2]:
        raise Decline("the batch dimensions are the same")
    batch = after[:-2]
    if any(prod(shape[:-2]) == 1 < prod(batch) for shape in shapes):
        raise Decline("one operand is a single matrix: a cheaper rule merges the other's rows")
    if (most := max(prod(batch) * shape[-2] * shape[-1] for shape in shapes)) > MAX_FOLDED:
        raise Decline(f"an expanded operand would have {most} elements, more than {MAX_FOLDED}")

    stacks = []
    for value, shape in zip(values, shapes, strict=True):
        full, flat = (*batch, *shape[-2:]), (prod(batch), *shape[-2:])
        if (array := array_of(value)) is not None:
            stacks.append(new_constant(tape, np.broadcast_to(array, full).reshape(flat)))
            continue
        if prod(shape[:-2]) != prod(batch):
            if len(shape) < len(full):  # OpenCV 4.6.0 and older expand within one rank only
                value = tape.op("Reshape", [value, indices(tape, (1,) * (len(full) - len(shape)) + shape)])
            value = tape.op("Expand", [value, indices(tape, full)])
            shape = full
        stacks.append(value if shape == flat else tape.op("Reshape", [value, indices(tape, flat)]))
    product = tape.op("MatMul", stacks)
    return product if len(after) == 3 else tape.op("Reshape", [product, indices(tape, after)])
