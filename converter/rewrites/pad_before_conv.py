"""Conv with padding that is not the same on both sides -> Pad with zeros, then Conv without padding.

Why     OpenCV 4.x is wrong at some depthwise and one-dimensional convolutions with it (4.7.0 at every depthwise one), and
        pads SAME_LOWER at the other end, without an error
Before  y = Conv<pads or auto_pad>(x, w, b)
After   y = Conv(Pad(x, pads), w, b)
Error   1e-6: the sums are the same but for their order
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of


@rule("Conv", max_error=1e-6)
def pad_before_conv(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    kernel = shape_of(node.inputs[1], "the weight")[2:]
    pads = window_pads(node, shape_of(x, "the input")[2:], kernel)
    half = len(pads) // 2
    if "auto_pad" not in node.attributes and pads[:half] == pads[half:]:
        raise Decline("the padding is the same on both sides")
    dropped = ("pads", "auto_pad")
    rest: dict[str, object] = {name: a for name, a in node.attributes.items() if name not in dropped}
    rest["kernel_shape"] = kernel  # 4.12 and older need it written
    if not any(pads):
        return tape.op("Conv", node.inputs, rest)
    padded = tape.op("Pad", [x, indices(tape, (0, 0, *pads[:half], 0, 0, *pads[half:]))])
    return tape.op("Conv", [padded, *node.inputs[1:]], rest)


def window_pads(node: ir.Node, space: tuple[int, ...], kernel: tuple[int, ...]) -> list[int]:
    """The padding at the start of each axis, then at the end of each, as written or as auto_pad computes it."""
    rank = len(space)
    auto = node.attributes.get_string("auto_pad", "NOTSET")
    if auto == "NOTSET":
        return [int(pad) for pad in node.attributes.get_ints("pads", [0] * 2 * rank)]
    if auto == "VALID":
        return [0] * 2 * rank
    strides = node.attributes.get_ints("strides", [1] * rank)
    dilations = node.attributes.get_ints("dilations", [1] * rank)
    starts, ends = [], []
    for size, width, stride, dilation in zip(space, kernel, strides, dilations, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size)
        less, more = total // 2, total - total // 2
        starts.append(more if auto == "SAME_LOWER" else less)
        ends.append(less if auto == "SAME_LOWER" else more)
    return starts + ends
