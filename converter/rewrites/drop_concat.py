"""Concat of one operand -> the operand.

Why     OpenCV 4.x gives memory of before for a Concat of the net's input alone
Before  y = Concat<axis>(x)
After   y = x      (through Identity where y is the graph's output)
Error   0: the same tensor
"""

import onnx_ir as ir

from converter.rewrites import Decline, pass_on, rule


@rule("Concat", max_error=0.0)
def drop_concat(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = node.inputs[0]
    if len(node.inputs) > 1 or x is None:
        raise Decline(f"it joins {len(node.inputs)} operands")
    return pass_on(node, tape, x)
