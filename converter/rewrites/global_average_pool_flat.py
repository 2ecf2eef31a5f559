"""GlobalAveragePool of three spatial axes -> GlobalAveragePool of one, between two Reshapes.

Why     no OpenCV pools rank 5 globally: it fails
Before  y = GlobalAveragePool(x)      x: [N, C, D, H, W]
After   y = Reshape(GlobalAveragePool(Reshape(x, [N, C, D * H * W])), y.shape)
Error   1e-6: the mean is summed in another order
"""

from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("GlobalAveragePool", max_error=1e-6)
def global_average_pool_flat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    if len(shape) < 5:
        raise Decline(f"it has {len(shape) - 2} spatial axes; three were measured")
    flat = tape.op("Reshape", [x, indices(tape, (*shape[:2], prod(shape[2:])))])
    ones = (1,) * (len(shape) - 2)
    return tape.op("Reshape", [tape.op("GlobalAveragePool", [flat]), indices(tape, shape[:2] + ones)])
