"""Sum -> Add, one after the other.

Why     OpenCV 4.x refuses a Sum whose operands are broadcast, and some of one or of constant operands
Before  y = Sum(a, b, c)
After   y = Add(Add(a, b), c);  Sum(a) is a
Error   1e-6: the sum is rounded in another order
"""

import onnx_ir as ir

from converter.rewrites import float32, pass_on, rule


@rule("Sum", max_error=1e-6)
def sum_by_add(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    first, *rest = (float32(value, "an operand") for value in node.inputs)
    y = first
    for value in rest:
        y = tape.op("Add", [y, value])
    return y if rest else pass_on(node, tape, y)
