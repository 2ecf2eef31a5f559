"""Conv with computed weights -> a product of the weights with the patches of the image.

Why     OpenCV 4.12 and older take the weights of a convolution as constants only (dynamic and conditional convolutions,
        correlations); some versions crash
Before  y = Conv<strides, pads, dilations, group>(x, w, b)      w: [O, C / group, kernel...] computed
After   p = Conv<group=C>(x, one pixel of the kernel after the other)      [N, C * K, positions], weights constant
        y = Reshape(MatMul(Reshape(w, [group, O / group, C / group * K]), p)) + b
        with one output per group Mul and ReduceSum in place of MatMul
Error   5e-6: the products are summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import MAX_FOLDED, Decline, float32, indices, new_constant, optional_input, rule, shape_of


@rule("Conv", max_error=5e-6)
def conv_by_patches(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, weight = float32(node.inputs[0], "the input"), float32(node.inputs[1], "the weight")
    if weight.const_value is not None:
        raise Decline("the weight is constant")
    bias = optional_input(node, 2)
    (n, c, *image), (o, per_group, *kernel) = shape_of(x, "the input"), shape_of(weight, "the weight")
    after = shape_of(node.outputs[0], "the output")
    group, window, places = c // per_group, prod(kernel), prod(after[2:])
    if (count := n * c * window * places) > MAX_FOLDED:
        raise Decline(f"the patches would have {count} numbers, more than {MAX_FOLDED}")

    patches = _patches(node, tape, x, kernel, tuple(after[2:]) == tuple(image))
    inner = per_group * window
    if o == group and group > 1:
        rows = tape.op("Reshape", [patches, indices(tape, (n, o * inner, places))])
        column = tape.op("Reshape", [weight, indices(tape, (1, o * inner, 1))])
        product = tape.op("Reshape", [tape.op("Mul", [rows, column]), indices(tape, (n * o, inner, places))])
        y = tape.op("ReduceSum", [product, indices(tape, [1])], {"keepdims": 0})
    else:
        lead = ((n,) if n > 1 else ()) + ((group,) if group > 1 else ())
        right = tape.op("Reshape", [patches, indices(tape, (*lead, inner, places))])
        grouped = (*(1 for _ in lead[: len(lead) - (group > 1)]), *((group,) if group > 1 else ()))
        left = tape.op("Reshape", [weight, indices(tape, (*grouped, o // group, inner))])
        y = tape.op("MatMul", [left, right])
    y = tape.op("Reshape", [y, indices(tape, after)])
    if bias is None:
        return y
    return tape.op("Add", [y, tape.op("Reshape", [bias, indices(tape, (1, o, *(1 for _ in kernel)))])])


def _patches(node: ir.Node, tape: ir.tape.Tape, x: ir.Value, kernel: list[int], same: bool) -> ir.Value:
    """[N, C * K, ...]: for each channel, each pixel of the kernel, what that pixel meets."""
    channels, window = shape_of(x, "the input")[1], prod(kernel)
    if window == 1 and same and not any(node.attributes.get_ints("pads", [])):
        return x
    picks = np.tile(np.eye(window, dtype=np.float32), (channels, 1)).reshape(channels * window, 1, *kernel)
    attributes = {name: value for name, value in node.attributes.items() if name not in ("group", "kernel_shape")}
    return tape.op("Conv", [x, new_constant(tape, picks)], {**attributes, "group": channels, "kernel_shape": kernel})
