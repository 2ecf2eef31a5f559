"""ConvTranspose with dilations -> ConvTranspose with a larger kernel, zeros between its numbers.

Why     OpenCV 4.x ignores the dilations of a ConvTranspose, and reads beyond its memory
Before  y = ConvTranspose<dilations>(x, w, b)      w constant
After   y = ConvTranspose(x, w', b)      w'[..., i*d] = w[..., i], 0 elsewhere
Error   1e-6 where x is finite: the sums may be in another order
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, new_constant, rule


@rule("ConvTranspose", max_error=1e-6)
def conv_transpose_dilated_kernel(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, weight = float32(node.inputs[0], "the input"), constant(node.inputs[1], "the weight")
    dilations = node.attributes.get_ints("dilations", [1] * (weight.ndim - 2))
    if set(dilations) <= {1}:
        raise Decline("the kernel is not dilated")
    kernel = [(width - 1) * dilation + 1 for width, dilation in zip(weight.shape[2:], dilations, strict=True)]
    wide = np.zeros((*weight.shape[:2], *kernel), np.float32)
    wide[(slice(None), slice(None), *(slice(None, None, dilation) for dilation in dilations))] = weight
    rest = {name: attribute for name, attribute in node.attributes.items() if name != "dilations"}
    return tape.op("ConvTranspose", [x, new_constant(tape, wide), *node.inputs[2:]], {**rest, "kernel_shape": kernel})
