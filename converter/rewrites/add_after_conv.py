"""Conv with a bias that comes from another node -> Conv without it, then Add.

Why     OpenCV 4.x and 5.0.0's classic engine drop such a bias, without an error
Before  y = Conv(x, w, b)      b not constant
After   y = Add(Conv(x, w), Reshape(b, [1, M, 1, 1]));  kernel_shape is written, where it was left out
Error   1e-6: the bias is added last
"""

import onnx_ir as ir

from converter.graph import is_constant
from converter.rewrites import Decline, float32, indices, optional_input, rule, shape_of


@rule("Conv", max_error=1e-6)
def add_after_conv(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if optional_input(node, 2) is None or is_constant(node.inputs[2]):
        raise Decline("the bias is absent or constant")
    bias = float32(node.inputs[2], "the bias")
    after = shape_of(node.outputs[0], "the output")
    kernel = shape_of(node.inputs[1], "the weight")[2:]
    y = tape.op("Conv", node.inputs[:2], {**node.attributes, "kernel_shape": kernel})
    return tape.op("Add", [y, tape.op("Reshape", [bias, indices(tape, (1, -1, *(1,) * (len(after) - 2)))])])
