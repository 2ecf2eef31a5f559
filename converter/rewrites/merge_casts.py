"""Cast of a Cast that loses nothing -> one Cast, or none.

Why     no 4.x computes in float64 or int64; exporters leave pairs of casts around what became constant or fell away
Before  y = Cast<to=FLOAT>(Cast<to=DOUBLE>(x))      the inner type holds every number of x's
After   y = x;  Cast<to>(x) where the types differ
Error   0: the inner cast changes no number
"""

import onnx_ir as ir

from converter.rewrites import Decline, pass_on, rule

_T = ir.DataType
_HELD = {
    _T.FLOAT: {_T.DOUBLE},
    _T.FLOAT16: {_T.FLOAT, _T.DOUBLE},
    _T.BFLOAT16: {_T.FLOAT, _T.DOUBLE},
    _T.INT32: {_T.INT64, _T.DOUBLE},
    _T.UINT8: {_T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE},
    _T.BOOL: {_T.UINT8, _T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE},
}
"""Type -> the types that hold all its numbers."""


@rule("Cast", max_error=0.0)
def merge_casts(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    outer = node.inputs[0]
    assert outer is not None
    to = _T(node.attributes.get_int("to"))
    if outer.dtype == to:
        return pass_on(node, tape, outer)
    inner = outer.producer()
    if inner is None or inner.op_type != "Cast" or (x := inner.inputs[0]) is None or x.dtype is None:
        raise Decline("its input is no Cast, and of another type")
    if outer.dtype not in _HELD.get(x.dtype, ()):
        raise Decline(f"{outer.dtype} does not hold every {x.dtype}")
    return pass_on(node, tape, x) if x.dtype == to else tape.op("Cast", [x], {"to": to})
