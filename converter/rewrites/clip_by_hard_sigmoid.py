"""Clip from 0 to h -> HardSigmoid, times h.

Why     OpenCV 4.6.0 and older take no Clip with its limits as inputs: each Relu6 of opset 11 and newer
Before  y = Clip(x, 0, h)
After   y = Mul(HardSigmoid<alpha=1/h, beta=0>(x), h)
Error   1e-6: two roundings
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, optional_input, rule, scalar


@rule("Clip", max_error=1e-6)
def clip_by_hard_sigmoid(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    low, high = (
        float(constant(optional_input(node, position), f"the {what} limit").ravel()[0])
        for position, what in ((1, "lower"), (2, "upper"))
    )
    if low != 0 or not 1e-3 <= high <= 1e3:  # beyond, h and 1/h are exact enough too, but nobody measured them
        raise Decline(f"the limits are {low:g} and {high:g}, not 0 and a number between 0.001 and 1000")
    unit = tape.op("HardSigmoid", [x], {"alpha": float(np.float32(1 / high)), "beta": 0.0})
    return tape.op("Mul", [unit, scalar(tape, high)])
