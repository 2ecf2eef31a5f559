"""How the operands of one arithmetic op meet, and the same op on shapes that every OpenCV broadcasts.

OpenCV up to 4.6.0 broadcasts one operand along a block of axes only: a constant as the scale of a channel, a tensor in a few
more ways; no 4.x takes operands of two ranks in general. Merged axes bring most of it down to these forms, without copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import prod

import numpy as np
import onnx_ir as ir

from converter.graph import array_of
from converter.rewrites import MAX_FOLDED, Decline, float32, indices, new_constant, scalar, shape_of

Shape = tuple[int, ...]


def operands(node: ir.Node) -> tuple[list[ir.Value], list[Shape], Shape]:
    """The two float32 operands, their shapes and the output's; declines for anything else."""
    values = [float32(value, "an operand") for value in node.inputs]
    if len(values) != 2:
        raise Decline(f"it has {len(values)} operands")
    shapes = [shape_of(value, "an operand") for value in values]
    after = shape_of(node.outputs[0], "the output")
    if 0 in after:
        raise Decline("the result is empty")
    return values, shapes, after


def padded(shape: Sequence[int], rank: int) -> Shape:
    """The shape with ones in front, as broadcasting reads it."""
    return (1,) * (rank - len(shape)) + tuple(shape)


def reshaped(tape: ir.tape.Tape, value: ir.Value, before: Shape, after: Shape) -> ir.Value:
    """`value` in another shape: a constant at once, a tensor by a Reshape where the shape changes."""
    if before == after:
        return value
    if (array := array_of(value)) is not None:
        return new_constant(tape, array.reshape(after))
    return tape.op("Reshape", [value, indices(tape, after)])


def merge(first: Shape, second: Shape) -> tuple[Shape, Shape]:
    """Both shapes with neighbouring axes merged that are broadcast alike; ranks must agree. () and () for two scalars.

    [1, 6, 7, 9] with [1, 6, 1, 1] becomes [6, 63] with [6, 1].
    """
    meet = [(a, b, (a > b) - (a < b) if 1 in (a, b) else 0) for a, b in zip(first, second, strict=True)]
    runs = [list(run) for _, run in groupby((m for m in meet if m[:2] != (1, 1)), key=lambda m: m[2])]
    return tuple(prod(a for a, _, _ in run) for run in runs), tuple(prod(b for _, b, _ in run) for run in runs)


def with_merged_axes(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """The op on operands of one rank with as few axes as there are ways in which axes meet.

    Where the first axes are in both operands, an axis of 1 goes before them: OpenCV takes axis 0 for the batch. Two such
    axes go before a tensor that meets one number.
    """
    values, shapes, after = operands(node)
    if any((array := array_of(value)) is not None and array.size == 1 for value in values):
        raise Decline("one operand is a constant number")
    full = [padded(shape, len(after)) for shape in shapes]
    merged = list(merge(full[0], full[1]))
    if not merged[0]:
        merged = [(1, 1), (1, 1)]
    elif len(merged[0]) == 1 and merged[0] != merged[1]:
        merged = [(1, 1, *shape) for shape in merged]
    elif merged[0][0] == merged[1][0]:
        merged = [(1, *shape) for shape in merged]
    if merged == shapes:
        raise Decline("its axes are merged already")
    pair = [reshaped(tape, value, *around) for value, *around in zip(values, shapes, merged, strict=True)]
    result = tape.op(node.op_type, pair, dict(node.attributes))
    return reshaped(tape, result, np.broadcast_shapes(*merged), after)


def with_channel_constant(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """The op with its constant as [K] or [K, 1]: K is the block of axes along which the constant changes.

    The tensor is reshaped to [before, K] or [before, K, after] and back. Declines where the constant expands the tensor.
    """
    values, shapes, after = operands(node)
    arrays = [array_of(value) for value in values]
    if (arrays[0] is None) == (arrays[1] is None):
        raise Decline("it has no constant operand" if arrays[0] is None else "both operands are constant")
    side = 0 if arrays[0] is not None else 1
    array, x, shape = arrays[side], values[1 - side], shapes[1 - side]
    assert array is not None
    if prod(shape) != prod(after):
        raise Decline(f"the constant expands the tensor: {list(shape)} to {list(after)}")

    array = array.reshape(padded(array.shape, len(after)))
    growing = [axis for axis, extent in enumerate(array.shape) if extent > 1]
    if not growing:
        if array_of(values[side]).shape == ():  # type: ignore[union-attr]
            raise Decline("the constant is one number")
        form, parameter = shape, scalar(tape, float(array.ravel()[0]))
    else:
        first, last = growing[0], growing[-1] + 1
        block = after[first:last]
        if (count := prod(block)) > MAX_FOLDED:
            raise Decline(f"the constant would have {count} elements, more than {MAX_FOLDED}")
        behind = after[last:] if prod(after[last:]) > 1 else ()
        form = (prod(after[:first]), count, *((prod(behind),) if behind else ()))
        written: Shape = (count, *((1,) if behind else ()))
        if form == shape and shapes[side] == written:
            raise Decline("the constant is a channel's already")
        parameter = new_constant(
            tape, np.broadcast_to(array[(0,) * first], (*block, *array.shape[last:])).reshape(written)
        )
    moved = reshaped(tape, x, shape, form)
    result = tape.op(node.op_type, [parameter, moved] if side == 0 else [moved, parameter], dict(node.attributes))
    return reshaped(tape, result, form, after)


def with_an_expanded_operand(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """The op with one tensor expanded to the output's shape: the one that grows less.

    A constant is left alone unless it is the only one to expand; then its numbers are repeated here.
    """
    values, shapes, after = operands(node)
    smaller = [side for side in (0, 1) if padded(shapes[side], len(after)) != after]
    if not smaller:
        raise Decline("no operand is expanded")
    if any((array := array_of(value)) is not None and np.all(array == 1) for value in values) and node.op_type == "Mul":
        raise Decline("a Mul by ones is an Expand already")
    tensors = [side for side in smaller if array_of(values[side]) is None]
    side = max(tensors or smaller, key=lambda position: prod(shapes[position]))
    if (array := array_of(values[side])) is not None:
        if prod(after) > MAX_FOLDED:
            raise Decline(f"the constant would have {prod(after)} elements, more than {MAX_FOLDED}")
        values[side] = new_constant(tape, np.broadcast_to(array, after))
    else:
        same_rank = reshaped(tape, values[side], shapes[side], padded(shapes[side], len(after)))
        values[side] = tape.op("Expand", [same_rank, indices(tape, after)])
    return tape.op(node.op_type, values, dict(node.attributes))


def with_swapped_operands(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    """The op with the full tensor on the left and the constant or the smaller tensor on the right."""
    values, shapes, _ = operands(node)
    left_is_constant, right_is_constant = (array_of(value) is not None for value in values)
    if right_is_constant or (not left_is_constant and prod(shapes[0]) >= prod(shapes[1])):
        raise Decline("the left operand is the tensor, and no smaller")
    return tape.op(node.op_type, values[::-1], dict(node.attributes))
