"""One at a computed index and zero elsewhere, by arithmetic: what stands in for indexing where only constants may index."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from converter.rewrites import indices, new_constant, scalar


def hot(tape: ir.tape.Tape, at: ir.Value, lead: tuple[int, ...], extent: int) -> ir.Value:
    """[*lead, extent] of zeros with a one at `at`: float32 whole numbers with as many elements as `lead`.

    relu(1 - |at - k|) is 1 for k = at and 0 for any other whole number, exactly.
    """
    column = tape.op("Reshape", [at, indices(tape, (*lead, 1))])
    each = tape.op("MatMul", [column, new_constant(tape, np.ones((1, extent), np.float32))])
    places = new_constant(tape, np.arange(extent, dtype=np.float32).reshape(*(1 for _ in lead), extent))
    distance = tape.op("Abs", [tape.op("Sub", [each, places])])
    return tape.op("Relu", [tape.op("Sub", [scalar(tape, 1.0), distance])])


def from_start(tape: ir.tape.Tape, index: ir.Value, extent: int) -> ir.Value:
    """Whole numbers of any type as float32, those below 0 counted from the end."""
    number = tape.op("Cast", [index], {"to": ir.DataType.FLOAT})
    negative = tape.op("Cast", [tape.op("Less", [number, scalar(tape, 0.0)])], {"to": ir.DataType.FLOAT})
    return tape.op("Add", [number, tape.op("Mul", [negative, scalar(tape, float(extent))])])
