"""GroupNormalization -> mean, variance and division of each group, between two Reshapes.

Why     OpenCV 4.8.1 and older refuse some InstanceNormalizations too, and are less exact in others (5e-6)
Before  y = GroupNormalization<num_groups=G, epsilon>(x, scale, bias)      x: [N, C, ...], scale: [G] or [C]
After   r = Reshape(x, [N, G, -1]);  c = r - ReduceMean(r, [2]);  d = Sqrt(ReduceMean(c * c, [2]) + epsilon)
        y = Reshape(c / d, x.shape) * scale + bias
Error   1e-5: the means are summed in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, scalar, shape_of


@rule("GroupNormalization", max_error=1e-5)
def group_norm_by_moments(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    scale = constant(node.inputs[1], "the scale")
    bias = constant(node.inputs[2], "the bias")
    groups = node.attributes.get_int("num_groups")
    if scale.size not in (groups, shape[1]):
        raise Decline(f"the scale has {scale.size} elements for {groups} groups and {shape[1]} channels")
    repeats = shape[1] // scale.size

    axes = indices(tape, (2,))
    folded = tape.op("Reshape", [x, indices(tape, (shape[0], groups, -1))])
    centred = tape.op("Sub", [folded, tape.op("ReduceMean", [folded, axes], {"keepdims": 1})])
    variance = tape.op("ReduceMean", [tape.op("Mul", [centred, centred]), axes], {"keepdims": 1})
    epsilon = scalar(tape, node.attributes.get_float("epsilon", 1e-5))
    deviation = tape.op("Sqrt", [tape.op("Add", [variance, epsilon])])
    y = tape.op("Reshape", [tape.op("Div", [centred, deviation]), indices(tape, shape)])
    channels = (shape[1],) + (1,) * (len(shape) - 2)
    y = tape.op("Mul", [y, new_constant(tape, np.repeat(scale, repeats).reshape(channels))])
    return tape.op("Add", [y, new_constant(tape, np.repeat(bias, repeats).reshape(channels))])
