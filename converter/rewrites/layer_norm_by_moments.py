"""LayerNormalization -> mean, variance, division, scale and shift.

Why     OpenCV 4.5.5 knows no LayerNormalization, 4.10 to 4.14 refuse it with unusual inputs
Before  y = LayerNormalization<axis, epsilon>(x, scale, bias)
After   c = x - ReduceMean(x, axes);  d = Sqrt(ReduceMean(c * c, axes) + epsilon);  y = c / d * scale + bias
Error   1e-5: the means are summed in another order
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, optional_input, rule, scalar, shape_of


@rule("LayerNormalization", max_error=1e-5)
def layer_norm_by_moments(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if len(node.outputs) > 1:
        raise Decline(f"it has {len(node.outputs)} outputs, and only the first was measured")
    x = float32(node.inputs[0], "the input")
    scale = float32(node.inputs[1], "the scale")
    bias = optional_input(node, 2)
    rank = len(shape_of(x, "the input"))
    axis = node.attributes.get_int("axis", -1) % rank

    axes = indices(tape, range(axis, rank))
    centred = tape.op("Sub", [x, tape.op("ReduceMean", [x, axes], {"keepdims": 1})])
    # a Mul, where OpenCV's own pattern has a Pow: it looks for that pattern's axes in an attribute, where they are not
    variance = tape.op("ReduceMean", [tape.op("Mul", [centred, centred]), axes], {"keepdims": 1})
    epsilon = scalar(tape, node.attributes.get_float("epsilon", 1e-5))
    deviation = tape.op("Sqrt", [tape.op("Add", [variance, epsilon])])
    y = tape.op("Mul", [tape.op("Div", [centred, deviation]), scale])
    return y if bias is None else tape.op("Add", [y, bias])
