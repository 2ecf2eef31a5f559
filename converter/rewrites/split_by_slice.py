"""Split -> one Slice per part.

Why     OpenCV 4.5.5 does not give a Split's parts by name, and 4.x refuses some Splits of folded branches
Before  y0, y1, ... = Split<axis>(x, sizes)
After   yi = Slice(x, start_i, end_i, axis, 1)
Error   0: the same elements
"""

from itertools import accumulate

import onnx_ir as ir

from converter.rewrites import indices, rule, shape_of


@rule("Split", max_error=0.0)
def split_by_slice(node: ir.Node, tape: ir.tape.Tape) -> list[ir.Value]:
    x = node.inputs[0]
    axis = node.attributes.get_int("axis", 0) % len(shape_of(x, "the input"))
    sizes = [shape_of(part, "a part")[axis] for part in node.outputs]
    ends = list(accumulate(sizes))
    axes, steps = indices(tape, (axis,)), indices(tape, (1,))
    return [
        tape.op("Slice", [x, indices(tape, (end - size,)), indices(tape, (end,)), axes, steps])
        for size, end in zip(sizes, ends, strict=True)
    ]
