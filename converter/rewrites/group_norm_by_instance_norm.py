"""GroupNormalization -> InstanceNormalization of each group, between two Reshapes.

Why     opset 20's GroupNormalization is a function without shape inference, which every OpenCV refuses
Before  y = GroupNormalization<num_groups=G, epsilon>(x, scale, bias)      x: [N, C, ...], scale: [G] or [C]
After   n = InstanceNormalization(Reshape(x, [N, G, -1]), 1, 0);  y = Reshape(n, x.shape) * scale + bias
        with a scale per group, InstanceNormalization applies it and Mul and Add fall away
Error   1e-5: the means are summed in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of


@rule("GroupNormalization", max_error=1e-5)
def group_norm_by_instance_norm(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    scale = constant(node.inputs[1], "the scale")
    bias = constant(node.inputs[2], "the bias")
    groups = node.attributes.get_int("num_groups")
    if scale.size not in (groups, shape[1]):
        raise Decline(f"the scale has {scale.size} elements for {groups} groups and {shape[1]} channels")
    per_group = scale.size == groups
    epsilon = node.attributes.get_float("epsilon", 1e-5)

    folded = tape.op("Reshape", [x, indices(tape, (shape[0], groups, -1))])
    one = scale if per_group else np.ones(groups, np.float32)
    zero = bias if per_group else np.zeros(groups, np.float32)
    parameters = [new_constant(tape, one), new_constant(tape, zero)]
    normal = tape.op("InstanceNormalization", [folded, *parameters], {"epsilon": epsilon})
    y = tape.op("Reshape", [normal, indices(tape, shape)])
    if per_group:
        return y
    channels = (shape[1],) + (1,) * (len(shape) - 2)
    y = tape.op("Mul", [y, new_constant(tape, scale.reshape(channels))])
    return tape.op("Add", [y, new_constant(tape, bias.reshape(channels))])
