"""What the rules for TopK share: its input as rows, and its results in the place of its axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, shape_of


@dataclass(frozen=True)
class Top:
    """`rows` [B, n], of which the k largest are wanted, and which of the two outputs something reads."""

    rows: ir.Value
    batch: int
    extent: int
    k: int
    values: bool
    indices: bool
    back: Callable[[ir.Value], ir.Value]
    """[B, k] -> the output's shape."""


def top_of(node: ir.Node, tape: ir.tape.Tape) -> Top:
    """The TopK as one along the last of two axes. The smallest are the largest of the negatives: see `finished`."""
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    k = int(constant(node.inputs[1], "k").ravel()[0])
    axis = node.attributes.get_int("axis", -1) % len(shape)
    if not node.attributes.get_int("sorted", 1):
        raise Decline("it may give its results in any order, and another one could not be compared with it")
    if not k or 0 in shape:
        raise Decline("the result is empty")
    order = [*(a for a in range(len(shape)) if a != axis), axis]
    if axis != len(shape) - 1 and prod(shape[axis + 1 :]) > 1:
        x = tape.op("Transpose", [x], {"perm": order})
    batch, extent = prod(shape) // shape[axis], shape[axis]
    rows = tape.op("Reshape", [x, indices(tape, (batch, extent))])
    if not node.attributes.get_int("largest", 1):
        rows = tape.op("Neg", [rows])
    kept = [shape[a] for a in order[:-1]]

    def back(found: ir.Value) -> ir.Value:
        if axis == len(shape) - 1 or prod(shape[axis + 1 :]) == 1:
            return tape.op("Reshape", [found, indices(tape, [*shape[:axis], k, *shape[axis + 1 :]])])
        found = tape.op("Reshape", [found, indices(tape, (*kept, k))])
        return tape.op("Transpose", [found], {"perm": [order.index(a) for a in range(len(shape))]})

    used = [value.is_graph_output() or bool(value.uses()) for value in node.outputs]
    return Top(rows, batch, extent, k, used[0], len(used) > 1 and used[1], back)


def finished(
    node: ir.Node, tape: ir.tape.Tape, top: Top, values: ir.Value | None, places: ir.Value | None
) -> list[ir.Value]:
    """The node's two outputs. One that nothing reads is stood for by the other."""
    if values is not None and not node.attributes.get_int("largest", 1):
        values = tape.op("Neg", [values])
    first, second = (None if found is None else top.back(found) for found in (values, places))
    some = first if first is not None else second
    if some is None:
        raise Decline("nothing reads what it gives")
    return [first if first is not None else some, second if second is not None else some][: len(node.outputs)]
