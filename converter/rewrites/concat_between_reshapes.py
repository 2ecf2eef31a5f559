"""Concat with a constant, or of vectors -> the same Concat of another rank, between Reshapes, its constants its own.

Why     OpenCV 4.x and 5.0.0's classic engine lay the operands of some Concats into the result beforehand; where one is the
        net's input, and one a constant, that input is never written: memory of before comes out. They also refuse a
        constant that two Concats read. A Reshape between costs nothing and keeps the operand apart
Before  y = Concat<axis>(c, x)      c constant; or one dimension
After   y = Reshape(Concat<axis=2>(c', Reshape(x, [1, outer, n, inner])), y.shape);  c' is a reshaped copy of c
Error   0: the same numbers
"""

from math import prod

import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import Decline, float32, indices, new_constant, rule, shape_of


@rule("Concat", max_error=0.0)
def concat_between_reshapes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    values = [float32(value, "an operand") for value in node.inputs]
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if 0 in after:
        raise Decline("the result is empty")
    arrays = [array_of(value) for value in values]
    constants = sum(array is not None for array in arrays)
    if constants == len(values):
        raise Decline("every operand is constant")
    if not constants and len(after) > 1:
        raise Decline("no operand is constant, and there is more than one dimension")
    axis = (node.attributes.get_int("axis") or 0) % len(after)
    outer, inner = prod(after[:axis]), prod(after[axis + 1 :])
    # never the shape that it has: such a Reshape says nothing and a cleaning takes it away
    lead: tuple[int, ...] = (outer,) if len(after) == 4 else (1, outer)

    operands = []
    for value, array, shape in zip(values, arrays, shapes, strict=True):
        if not shape[axis]:
            continue
        flat = (*lead, shape[axis], inner)
        if array is not None:
            operands.append(new_constant(tape, array.reshape(flat)))
        else:
            operands.append(tape.op("Reshape", [value, indices(tape, flat)]))
    joined = operands[0] if len(operands) == 1 else tape.op("Concat", operands, {"axis": len(lead)})
    return tape.op("Reshape", [joined, indices(tape, after)])
