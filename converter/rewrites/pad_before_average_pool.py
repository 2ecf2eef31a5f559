"""AveragePool that counts its padding -> Pad with zeros, then AveragePool without padding.

Why     OpenCV 4.x and 5.0.0's classic engine ignore count_include_pad (PyTorch's default for AvgPool2d), with no error
Before  y = AveragePool<pads, count_include_pad=1>(x)
After   y = AveragePool(Pad(x, pads))
Error   1e-6: the sums are the same but for their order
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule


@rule("AveragePool", max_error=1e-6)
def pad_before_average_pool(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    pads = list(node.attributes.get_ints("pads", []))
    if not any(pads) or not node.attributes.get_int("count_include_pad", 0):
        raise Decline("no padding is counted")
    if node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        raise Decline("the padding is computed by auto_pad")
    if node.attributes.get_int("ceil_mode", 0):
        raise Decline("ceil_mode=1 adds a padding at the end that is not counted")

    half = len(pads) // 2
    around = [0, 0, *pads[:half], 0, 0, *pads[half:]]
    padded = tape.op("Pad", [x, indices(tape, around)])
    rest = {name: a for name, a in node.attributes.items() if name not in ("pads", "auto_pad", "count_include_pad")}
    return tape.op("AveragePool", [padded], rest)
