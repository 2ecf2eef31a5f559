"""What the reductions share: their axes, and the same reduction on a tensor whose axes were merged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, constant, float32, indices, optional_input, pass_on, shape_of
from converter.rewrites import _broadcasting as broadcasting

Shape = tuple[int, ...]
Step = Callable[[ir.tape.Tape, ir.Value, Shape, Shape], "tuple[ir.Value, Shape]"]
"""(tape, x, its shape, (before, reduced, after)) -> (y, its shape); y has before * after elements, in the order of x."""


def reduced_axes(node: ir.Node) -> tuple[ir.Value, Shape, list[int]]:
    """The float32 input, its shape and the axes that go, in order. Axes that are left out stand for all."""
    x = float32(node.inputs[0], "the input")
    shape = shape_of(x, "the input")
    written = optional_input(node, 1)
    axes = [] if written is None else [int(axis) for axis in constant(written, "axes").ravel()]
    if not axes:
        if node.attributes.get_int("noop_with_empty_axes", 0):
            raise Decline("it has no axes and reduces nothing")
        axes = list(range(len(shape)))
    if 0 in shape:
        raise Decline("the input is empty")
    return x, shape, sorted({axis % len(shape) for axis in axes})


def runs_of(shape: Shape, axes: list[int]) -> list[tuple[int, bool]]:
    """(extent, reduced) of neighbouring axes that share a fate; axes of one element belong to any.

    [2, 8, 1, 7] with axes 1 and 2 gives (2, no), (8, yes), (7, no).
    """
    meet = [(extent, axis in axes) for axis, extent in enumerate(shape) if extent > 1]
    return [(prod(extent for extent, _ in run), gone) for gone, run in groupby(meet, key=lambda m: m[1])]


def run_by_run(node: ir.Node, tape: ir.tape.Tape, step: Step, most: int | None = None) -> ir.Value:
    """The reduction as `step` on each run of reduced axes, the last first, and a Reshape to the node's own output.

    `most`: how many runs the reduction may have; it declines beyond, and where nothing is reduced.
    """
    x, shape, axes = reduced_axes(node)
    runs = runs_of(shape, axes)
    gone = [position for position, (_, reduced) in enumerate(runs) if reduced]
    if most is not None and len(gone) > most:
        raise Decline(f"axes {axes} of {list(shape)} are not neighbours")
    if most is not None and not gone:
        raise Decline(f"axes {axes} of {list(shape)} have one element")
    for position in reversed(gone):
        around = [prod(extent for extent, _ in part) for part in (runs[:position], runs[position + 1 :])]
        x, shape = step(tape, x, shape, (around[0], runs[position][0], around[1]))
        runs[position] = (1, False)
    after = shape_of(node.outputs[0], "the output")
    return (
        pass_on(node, tape, x)
        if x is node.inputs[0] and shape == after
        else broadcasting.reshaped(tape, x, shape, after)
    )


def with_merged_axes(node: ir.Node, tape: ir.tape.Tape, most: int | None = None) -> ir.Value:
    """The reduction of [before, reduced, after] along axis 1, or of [1, before, reduced] along axis 2, dimensions kept."""
    _, shape, axes = reduced_axes(node)
    kept = {**node.attributes, "keepdims": 1}

    def step(tape: ir.tape.Tape, x: ir.Value, old: Shape, extents: Shape) -> tuple[ir.Value, Shape]:
        before, reduced, after = extents
        form, axis = ((before, reduced, after), 1) if after > 1 else ((1, before, reduced), 2)
        if old == form == shape and axes == [axis]:
            raise Decline("its axes are merged already")
        y = tape.op(node.op_type, [broadcasting.reshaped(tape, x, old, form), indices(tape, (axis,))], kept)
        return y, tuple(1 if position == axis else extent for position, extent in enumerate(form))

    return run_by_run(node, tape, step, most)


def by_pool(node: ir.Node, tape: ir.tape.Tape, kind: str) -> ir.Value:
    """The mean or the maximum by a pool: of all that is behind two axes, or with a window of [reduced, 1]."""

    def step(tape: ir.tape.Tape, x: ir.Value, old: Shape, extents: Shape) -> tuple[ir.Value, Shape]:
        before, reduced, after = extents
        if after == 1:
            return tape.op(f"Global{kind}Pool", [broadcasting.reshaped(tape, x, old, (1, before, reduced))]), (
                1,
                before,
                1,
            )
        image = broadcasting.reshaped(tape, x, old, (before, 1, reduced, after))
        return tape.op(f"{kind}Pool", [image], {"kernel_shape": [reduced, 1]}), (before, 1, 1, after)

    return run_by_run(node, tape, step)


def same_axes(node: ir.Node, tape: ir.tape.Tape, op: str, x: ir.Value, keepdims: int | None = None) -> ir.Value:
    """Another reduction of `x` over the node's axes."""
    keep = node.attributes.get_int("keepdims", 1) if keepdims is None else keepdims
    _, _, axes = reduced_axes(node)
    return tape.op(op, [x, indices(tape, axes)], {"keepdims": keep})
