"""LpNormalization -> Div by ReduceL2 or ReduceL1.

Why     no 4.x knows LpNormalization, 5.0.0's classic engine neither
Before  y = LpNormalization<axis, p>(x)
After   y = Div(x, ReduceL2<keepdims=1>(x, [axis]));  ReduceL1 where p is 1
Error   1e-6 where no norm is zero: summed in another order
"""

import onnx_ir as ir

from converter.rewrites import float32, indices, rule, shape_of


@rule("LpNormalization", max_error=1e-6)
def lp_norm_by_reduce(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    x = float32(node.inputs[0], "the input")
    axis = node.attributes.get_int("axis", -1) % len(shape_of(x, "the input"))
    op = "ReduceL1" if node.attributes.get_int("p", 2) == 1 else "ReduceL2"
    return tape.op("Div", [x, tape.op(op, [x, indices(tape, (axis,))], {"keepdims": 1})])
