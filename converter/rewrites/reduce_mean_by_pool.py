"""ReduceMean over the spatial axes -> GlobalAveragePool.

Why     torch's default exporter writes adaptive pooling so; OpenCV 4.5.5 takes no axes that are an input
Before  y = ReduceMean<keepdims>(x, [2, 3])
After   y = GlobalAveragePool(x);  with keepdims=0 Reshape to [N, C] after it
Error   1e-6: the mean is summed in another order
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, optional_input, rule, shape_of


@rule("ReduceMean", max_error=1e-6)
def reduce_mean_by_pool(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    axes_input = optional_input(node, 1)
    if axes_input is None:
        raise Decline("it has no axes")
    axes = sorted(int(axis) % len(shape) for axis in constant(axes_input, "axes"))
    if len(shape) < 3 or axes != list(range(2, len(shape))):
        raise Decline(f"axes {axes} of {len(shape)} dimensions are not the spatial ones")
    y = tape.op("GlobalAveragePool", [x])
    return y if node.attributes.get_int("keepdims", 1) else tape.op("Reshape", [y, indices(tape, shape[:2])])
