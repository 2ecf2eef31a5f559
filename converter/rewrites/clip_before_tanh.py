"""Tanh -> Tanh of the input clipped to -20 .. 20.

Why     5.0.0's Tanh gives NaN above 44: it divides infinity by infinity
Before  y = Tanh(x)
After   y = Tanh(Clip(x, -20, 20))
Error   1e-7: in single precision Tanh is 1 from 9.02 on
"""

import onnx_ir as ir

from converter.rewrites import Decline, float32, rule, scalar


@rule("Tanh", max_error=1e-7)
def clip_before_tanh(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    if (producer := x.producer()) is not None and producer.op_type == "Clip":
        raise Decline("the input is clipped already")
    return tape.op("Tanh", [tape.op("Clip", [x, scalar(tape, -20.0), scalar(tape, 20.0)])])
