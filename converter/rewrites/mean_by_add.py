"""Mean -> Add, one after the other, and a Mul by 1 / n.

Why     OpenCV 4.13.0 and older know no Mean of several tensors; newer ones refuse it where operands are broadcast
Before  y = Mean(a, b, c)
After   y = Mul(Add(Add(a, b), c), 1 / 3);  Mean(a) is a
Error   1e-6: the sum is rounded in another order
"""

import onnx_ir as ir

from converter.rewrites import float32, pass_on, rule, scalar


@rule("Mean", max_error=1e-6)
def mean_by_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    first, *rest = (float32(value, "an operand") for value in node.inputs)
    y = first
    for value in rest:
        y = tape.op("Add", [y, value])
    return tape.op("Mul", [y, scalar(tape, 1 / len(node.inputs))]) if rest else pass_on(node, tape, y)
