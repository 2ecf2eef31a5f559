"""Dropout that is not in training -> its input.

Why     no 4.x takes a Dropout with its ratio and mode as inputs
Before  y = Dropout(x, ratio, false)
After   the tensor x itself
Error   0: the same tensor
"""

import onnx_ir as ir

from converter.rewrites import Decline, constant, optional_input, pass_on, rule


@rule("Dropout", max_error=0.0)
def drop_dropout(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    if len(node.outputs) > 1:
        raise Decline("its mask is used")
    mode = optional_input(node, 2)
    if mode is not None and constant(mode, "the mode").any():
        raise Decline("it is in training mode")
    x = node.inputs[0]
    assert x is not None
    return pass_on(node, tape, x)
