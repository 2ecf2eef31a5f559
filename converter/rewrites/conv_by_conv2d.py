"""Conv of one dimension -> Conv of two, between Reshapes.

Why     OpenCV 4.x is wrong at several convolutions of one dimension (dilated, grouped, padded on one side), without an error
Before  y = Conv(x, w, b)      x: [N, C, L], w constant
After   y = Reshape(Conv(Reshape(x, [N, C, 1, L]), w', b), y.shape)      w': [M, C, 1, k]
Error   1e-6: the sums may be in another order
"""

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("Conv", max_error=1e-6)
def conv_by_conv2d(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, w = float32(node.inputs[0], "the input"), float32(node.inputs[1], "the weight")
    before, kernel = shape_of(x, "the input"), shape_of(w, "the weight")
    after = shape_of(node.outputs[0], "the output")
    if len(before) != 3:
        raise Decline(f"the input has {len(before)} dimensions, not 3")
    flat = (*kernel[:2], 1, kernel[2])
    array = array_of(w)
    image = tape.op("Reshape", [x, indices(tape, (*before[:2], 1, before[2]))])
    weight = tape.op("Reshape", [w, indices(tape, flat)]) if array is None else new_constant(tape, array.reshape(flat))
    y = tape.op("Conv", [image, weight, *node.inputs[2:]], _attributes(node, kernel[2]))
    return tape.op("Reshape", [y, indices(tape, after)])


def _attributes(node: ir.Node, width: int) -> dict[str, object]:
    """Those of the Conv with a height of one in front."""
    found: dict[str, object] = {"kernel_shape": [1, width]}
    for name, attribute in node.attributes.items():
        if name in ("strides", "dilations"):
            found[name] = [1, *attribute.as_ints()]
        elif name == "pads":
            start, end = attribute.as_ints()
            found[name] = [0, start, 0, end]
        elif name != "kernel_shape":
            found[name] = attribute
    return found
