"""TopK with a constant k -> the rank of each number, by comparing all with all, and a product that sorts.

Why     OpenCV 4.11 and older know no TopK. The rank of a number is how many are larger, or equal and before it
Before  values, places = TopK<largest, sorted=1>(x, k)      k constant, n numbers along the axis
After   a = MatMul(x, ones), [B, n, n];  b = Transpose(a);  rank = ReduceSum(Greater(b, a) + Equal(b, a) * before)
        s = Relu(1 - Abs(rank - [0, 1, ..., k - 1])), [B, n, k];  values = MatMul(x, s);  places = ArgMax(s)
Error   0 where x is finite: every sum has one term that is not zero
"""

import numpy as np
import onnx_ir as ir

from converter.rewrites import Decline, indices, new_constant, rule
from converter.rewrites._hot import hot
from converter.rewrites._top import finished, top_of

MAX_PAIRS = 1 << 21
"""Comparisons: beyond, those would take longer than most networks."""


@rule("TopK", max_error=0.0)
def top_k_by_ranks(node: ir.Node, tape: ir.tape.Tape) -> list[ir.Value]:
    top = top_of(node, tape)
    n, k = top.extent, top.k
    if (pairs := top.batch * n * n) > MAX_PAIRS:
        raise Decline(f"{pairs} pairs of numbers would be compared, more than {MAX_PAIRS}")
    lead = (top.batch,) if top.batch > 1 else ()
    swap = {"perm": [*range(len(lead)), len(lead) + 1, len(lead)]}

    column = tape.op("Reshape", [top.rows, indices(tape, (*lead, n, 1))])
    each = tape.op("MatMul", [column, new_constant(tape, np.ones((1, n), np.float32))])
    other = tape.op("Transpose", [each], swap)
    larger, equal = (
        tape.op("Cast", [tape.op(op, [other, each])], {"to": ir.DataType.FLOAT}) for op in ("Greater", "Equal")
    )
    before = new_constant(tape, np.tril(np.ones((n, n), np.float32), -1).reshape(*(1 for _ in lead), n, n))
    wins = tape.op("Add", [larger, tape.op("Mul", [equal, before])])
    rank = tape.op("ReduceSum", [wins, indices(tape, [len(lead) + 1])], {"keepdims": 1})
    sort = hot(tape, rank, (*lead, n), k)
    values = places = None
    if top.values:
        row = tape.op("Reshape", [top.rows, indices(tape, (*lead, 1, n))])
        values = tape.op("MatMul", [row, sort])
    if top.indices:
        turned = tape.op("Transpose", [sort], swap)
        places = tape.op("ArgMax", [turned], {"axis": len(lead) + 1, "keepdims": 0})
    return finished(node, tape, top, values, places)
