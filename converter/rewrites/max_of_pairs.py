"""Max of one, three or more tensors -> Max of two, one after the other.

Why     OpenCV 4.6.0 to 4.14.0 refuse or broadcast wrongly some of more than two; a pair is what other rules know
Before  y = Max(a, b, c)
After   y = Max(Max(a, b), c);  Max(a) is a
Error   0: the same numbers
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, pass_on, rule


@rule("Max", max_error=0.0)
def max_of_pairs(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if len(node.inputs) == 2:
        raise Decline("it has two operands")
    first, *rest = (float32(value, "an operand") for value in node.inputs)
    y = first
    for value in rest:
        y = tape.op("Max", [y, value])
    return y if rest else pass_on(node, tape, y)
