"""ConvTranspose of one dimension -> ConvTranspose of two, between Reshapes.

Why     OpenCV 4.x refuses or mistakes a ConvTranspose of one dimension
Before  y = ConvTranspose(x, w, b)      x: [N, C, L], w constant
After   y = Reshape(ConvTranspose(Reshape(x, [N, C, 1, L]), w', b), y.shape)      w': [C, M, 1, k]
Error   1e-6: the sums may be in another order
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, new_constant, rule, shape_of


@rule("ConvTranspose", max_error=1e-6)
def conv_transpose_by_2d(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x, weight = float32(node.inputs[0], "the input"), constant(node.inputs[1], "the weight")
    before, after = shape_of(x, "the input"), shape_of(node.outputs[0], "the output")
    if len(before) != 3:
        raise Decline(f"the input has {len(before)} dimensions, not 3")
    attributes: dict[str, object] = {"kernel_shape": [1, weight.shape[2]]}
    for name, attribute in node.attributes.items():
        if name in ("strides", "dilations", "output_shape"):
            attributes[name] = [1, *attribute.as_ints()]
        elif name == "output_padding":
            attributes[name] = [0, *attribute.as_ints()]
        elif name == "pads":
            start, end = attribute.as_ints()
            attributes[name] = [0, start, 0, end]
        elif name != "kernel_shape":
            attributes[name] = attribute
    image = tape.op("Reshape", [x, indices(tape, (*before[:2], 1, before[2]))])
    kernel = new_constant(tape, weight[:, :, None])
    y = tape.op("ConvTranspose", [image, kernel, *node.inputs[2:]], attributes)
    return tape.op("Reshape", [y, indices(tape, after)])
