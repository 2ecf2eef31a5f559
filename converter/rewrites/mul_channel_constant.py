"""Mul of a constant -> the constant as one number a channel, between two Reshapes.

Why     OpenCV 4.6.0 and older take a constant for the scale of axis 1 on: they fail with one that changes along the last
        axis of a tensor of rank 3 (a transformer's LayerNorm) or along axis 0
Before  y = Mul(x, c)      c constant, in any place, of x's rank or less
After   y = Reshape(Mul(Reshape(x, [B, K, A]), Reshape(c, [K, 1])), x.shape)      K: all axes from the first to the last
        along which c changes; [B, K] and [K] where A is 1
Error   0: the same operations on the same numbers
"""

import onnx_ir as ir

from converter.rewrites import _broadcasting as broadcasting
from converter.rewrites import rule


@rule("Mul", max_error=0.0)
def mul_channel_constant(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    return broadcasting.with_channel_constant(node, tape)
