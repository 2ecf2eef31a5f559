"""ConvTranspose without kernel_shape -> the same ConvTranspose with it.

Why     torch's default exporter leaves kernel_shape off; OpenCV 4.12 and older refuse such a node
Before  y = ConvTranspose(x, w, b)
After   y = ConvTranspose<kernel_shape=w.shape[2:]>(x, w, b)
Error   0: the same node
"""

import onnx_ir as ir

from converter.rewrites import Decline, optional_input, rule, shape_of


@rule("ConvTranspose", max_error=0.0)
def write_conv_transpose_kernel_shape(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if "kernel_shape" in node.attributes:
        raise Decline("kernel_shape is written already")
    weight = shape_of(optional_input(node, 1), "the weight")
    return tape.op("ConvTranspose", node.inputs, {**node.attributes, "kernel_shape": weight[2:]})
