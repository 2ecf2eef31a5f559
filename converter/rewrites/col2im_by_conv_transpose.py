"""Col2Im of an image -> ConvTranspose with constant kernels of one pixel each.

Why     no OpenCV 4.x knows Col2Im (torch's fold), 5.0.0 neither
Before  y = Col2Im<dilations, pads, strides>(x, image, block)      x: [N, C * block, L]
After   y = Reshape(ConvTranspose(Reshape(x, [N * C, block, rows, columns]), w), y.shape)      w[k] is one at pixel k of the
        block; a dilated block is written into a larger kernel. What the windows leave over becomes output_padding
Error   1e-6 where x is finite: overlapping blocks are summed in another order
"""

from math import prod

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of


@rule("Col2Im", max_error=1e-6)
def col2im_by_conv_transpose(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    image, block = (
        [int(n) for n in constant(node.inputs[i], what)] for i, what in ((1, "the image's size"), (2, "the block"))
    )
    rank = len(image)
    if rank != 2:
        raise Decline(f"the image has {rank} dimensions, only 2 were measured")
    dilations = list(node.attributes.get_ints("dilations", [1] * rank))
    strides = list(node.attributes.get_ints("strides", [1] * rank))
    pads = list(node.attributes.get_ints("pads", [0] * 2 * rank))
    kernel = [(size - 1) * dilation + 1 for size, dilation in zip(block, dilations, strict=True)]
    padded = [image[a] + pads[a] + pads[a + rank] for a in range(rank)]
    windows = [(padded[a] - kernel[a]) // strides[a] + 1 for a in range(rank)]
    if prod(windows) != before[-1]:
        raise Decline(f"{before[-1]} blocks are not the {windows} windows of the image")
    spare = [(padded[a] - kernel[a]) % strides[a] for a in range(rank)]

    weight = np.zeros((prod(block), 1, *kernel), np.float32)
    rows, columns = np.indices(block).reshape(rank, -1)
    weight[np.arange(prod(block)), 0, rows * dilations[0], columns * dilations[1]] = 1
    maps = tape.op("Reshape", [x, indices(tape, (-1, prod(block), *windows))])
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads, "output_padding": spare}
    y = tape.op("ConvTranspose", [maps, new_constant(tape, weight)], attributes)
    return tape.op("Reshape", [y, indices(tape, after)])
