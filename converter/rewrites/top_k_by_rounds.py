"""TopK with a small constant k -> k times the maximum, each time without the ones before.

Why     OpenCV 4.11 and older know no TopK. Of equal numbers ArgMax gives the first, as TopK does
Before  values, places = TopK<largest, sorted=1>(x, k)      k constant
After   k times: v = ReduceMax(x);  i = ArgMax(x);  x = Min(x, -inf at i, +inf elsewhere)
        values = Concat(v, ...);  places = Concat(i, ...)
Error   0 where at least k numbers are above -inf, and none is NaN
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, indices, rule, scalar
from converter.rewrites._hot import hot
from converter.rewrites._top import finished, top_of

MAX_ROUNDS = 32


@rule("TopK", max_error=0.0)
def top_k_by_rounds(node: ir.Node, tape: ir.tape.Tape) -> list[ir.Value]:
    top = top_of(node, tape)
    if top.k > MAX_ROUNDS:
        raise Decline(f"it gives {top.k} numbers, and {MAX_ROUNDS} rounds are the most")
    left, values, places = top.rows, [], []
    for turn in range(top.k):
        if top.values:
            values.append(tape.op("ReduceMax", [left, indices(tape, [1])], {"keepdims": 1}))
        if top.indices or turn < top.k - 1:
            places.append(tape.op("ArgMax", [left], {"axis": 1, "keepdims": 1}))
        if turn < top.k - 1:
            number = tape.op("Cast", [places[-1]], {"to": ir.DataType.FLOAT})
            taken = hot(tape, number, (top.batch,), top.extent)
            sign = tape.op("Sub", [scalar(tape, 0.5), taken])
            left = tape.op("Min", [left, tape.op("Mul", [sign, scalar(tape, float(np.inf))])])
    return finished(
        node,
        tape,
        top,
        *(_joined(tape, found, wanted) for found, wanted in ((values, top.values), (places, top.indices))),
    )


def _joined(tape: ir.tape.Tape, found: list[ir.Value], wanted: bool) -> ir.Value | None:
    if not wanted:
        return None
    return tape.op("Concat", found, {"axis": 1}) if len(found) > 1 else found[0]
