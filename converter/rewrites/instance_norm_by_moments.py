"""InstanceNormalization -> mean, variance and division over the spatial axes.

Why     OpenCV 4.8.1 and older refuse some InstanceNormalizations, and are less exact in others (5e-6)
Before  y = InstanceNormalization<epsilon>(x, scale, bias)      x: [N, C, ...]
After   c = x - ReduceMean(x, axes);  d = Sqrt(ReduceMean(c * c, axes) + epsilon);  y = c / d * scale + bias
Error   1e-5: the means are summed in another order
"""

import onnx_ir as ir

from converter.rewrites import constant, float32, indices, new_constant, rule, scalar, shape_of


@rule("InstanceNormalization", max_error=1e-5)
def instance_norm_by_moments(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    rank = len(shape_of(x, "the input"))
    scale = constant(node.inputs[1], "the scale")
    bias = constant(node.inputs[2], "the bias")

    axes = indices(tape, range(2, rank))
    centred = tape.op("Sub", [x, tape.op("ReduceMean", [x, axes], {"keepdims": 1})])
    variance = tape.op("ReduceMean", [tape.op("Mul", [centred, centred]), axes], {"keepdims": 1})
    epsilon = scalar(tape, node.attributes.get_float("epsilon", 1e-5))
    deviation = tape.op("Sqrt", [tape.op("Add", [variance, epsilon])])
    channels = (scale.size,) + (1,) * (rank - 2)
    y = tape.op("Mul", [tape.op("Div", [centred, deviation]), new_constant(tape, scale.reshape(channels))])
    return tape.op("Add", [y, new_constant(tape, bias.reshape(channels))])
