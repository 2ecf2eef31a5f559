"""ConvTranspose with unlike padding, auto_pad or output_shape -> ConvTranspose without padding, then Slice.

Why     OpenCV 4.x refuses padding that is not the same on both sides and mistakes auto_pad and output_shape
Before  y = ConvTranspose<pads, output_padding, auto_pad, output_shape>(x, w, b)
After   y = Slice(ConvTranspose(x, w, b)), padded at the end by output_padding as far as y reaches
Error   1e-6: the same sums, cropped later
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("ConvTranspose", max_error=1e-6)
def crop_after_conv_transpose(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    space, after = shape_of(x, "the input")[2:], shape_of(node.outputs[0], "the output")[2:]
    kernel = shape_of(node.inputs[1], "the weight")[2:]
    rank = len(space)
    strides = node.attributes.get_ints("strides", [1] * rank)
    dilations = node.attributes.get_ints("dilations", [1] * rank)
    spare = node.attributes.get_ints("output_padding", [0] * rank)
    full = [
        (size - 1) * stride + (width - 1) * dilation + 1
        for size, stride, width, dilation in zip(space, strides, kernel, dilations, strict=True)
    ]
    starts = _starts(node, [size + more for size, more in zip(full, spare, strict=True)], after)
    ends = [start + size for start, size in zip(starts, after, strict=True)]
    if starts == [0] * rank and all(end >= size for end, size in zip(ends, full, strict=True)):
        raise Decline("nothing is cropped")
    if min(starts) < 0:
        raise Decline(f"the result {list(after)} is larger than what the kernels reach")

    rest = ("pads", "auto_pad", "output_shape", "output_padding")
    attributes: dict[str, object] = {name: a for name, a in node.attributes.items() if name not in rest}
    attributes["kernel_shape"] = kernel
    missing = [max(0, end - size) for end, size in zip(ends, full, strict=True)]
    if any(missing):
        attributes["output_padding"] = missing
    y = tape.op("ConvTranspose", node.inputs, attributes)
    axes, steps = indices(tape, range(2, rank + 2)), indices(tape, [1] * rank)
    return tape.op("Slice", [y, indices(tape, starts), indices(tape, ends), axes, steps])


def _starts(node: ir.Node, full: list[int], after: tuple[int, ...]) -> list[int]:
    """How much is cropped at the start of each axis; as ONNX shares out what is left over."""
    auto = node.attributes.get_string("auto_pad", "NOTSET")
    if auto == "NOTSET" and "output_shape" not in node.attributes:
        return [int(pad) for pad in node.attributes.get_ints("pads", [0] * 2 * len(full))[: len(full)]]
    if auto == "VALID":
        return [0] * len(full)
    total = [size - wanted for size, wanted in zip(full, after, strict=True)]
    return [left // 2 if auto == "SAME_UPPER" else left - left // 2 for left in total]
