"""Mod with the sign of the dividend, of a constant divisor -> the quotient without its fraction, times the divisor, taken away.

Why     OpenCV 4.9.0 and older know no Mod
Before  y = Mod<fmod=1>(x, d)      d one constant number
After   a = Abs(x);  n = Floor(a / |d|);  r = a - n * high - n * low, where high + low is |d| and n * high is exact for n
        below 2**12;  |d| is added where r < 0 and taken away where r >= |d|, since the quotient was rounded;  y = r * Sign(x)
Error   0 where |x| is below 4096 times |d|: then every step but the quotient is exact
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, rule, scalar

HIGH_BITS = 12


@rule("Mod", max_error=0.0)
def mod_by_floor(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the dividend")
    divisor = constant(node.inputs[1], "the divisor")
    if not node.attributes.get_int("fmod", 0):
        raise Decline("it has the sign of the divisor, which ONNX has for whole numbers only")
    if divisor.size != 1 or divisor.ndim > len(x.shape or ()):
        raise Decline(f"the divisor has shape {list(divisor.shape)}, only one number was measured")
    d = abs(np.float32(divisor.ravel()[0]))
    if not np.isfinite(d) or d < np.finfo(np.float32).tiny * 4096:
        raise Decline(f"the divisor is {divisor.ravel()[0]}")
    mantissa, exponent = np.frexp(d)
    high = np.ldexp(np.floor(np.ldexp(mantissa, HIGH_BITS)), exponent - HIGH_BITS)
    low = d - high

    size = tape.op("Abs", [x])
    whole = tape.op("Floor", [tape.op("Div", [size, scalar(tape, float(d))])])
    rest = tape.op("Sub", [size, tape.op("Mul", [whole, scalar(tape, float(high))])])
    if low:
        rest = tape.op("Sub", [rest, tape.op("Mul", [whole, scalar(tape, float(low))])])
        for comparison, bound, sign in (("Less", 0.0, 1.0), ("GreaterOrEqual", float(d), -1.0)):
            beyond = tape.op("Cast", [tape.op(comparison, [rest, scalar(tape, bound)])], {"to": ir.DataType.FLOAT})
            rest = tape.op("Add", [rest, tape.op("Mul", [beyond, scalar(tape, sign * float(d))])])
    return tape.op("Mul", [rest, tape.op("Sign", [x])])
