"""Transpose of any rank -> Transposes of four axes, between Reshapes.

Why     The classic engine moves four axes by a loop over rows, and any other number of them element by element, with a division
        for each axis: 10 to 70 times slower (all versions, 5.0.0 too; 9.3 and 0.24 ms for the queries, keys and values of 64
        windows). Axes that stay neighbours are one axis; what is left moves as four blocks at a time, once or twice.
Before  y = Transpose<perm=[0, 1, 3, 2, 4, 5]>(x)      x of 1x8x7x8x7x96
After   y = Reshape(Transpose<perm=[0, 2, 1, 3]>(Reshape(x, [8, 7, 8, 672])), y.shape)
Error   0: the same numbers
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from math import prod

import onnx_ir as ir

from converter.rewrites import Decline, float32, indices, rule, shape_of

MOST_AXES = 7
"""Of axes that do not move together: the search looks at every order of them."""


@rule("Transpose", max_error=0.0)
def transpose_of_rank_4(node: ir.Node, tape: ir.tape.Tape) -> ir.Value:
    value = float32(node.inputs[0], "the input")
    shape = shape_of(value, "the input")
    if len(shape) == 4:
        raise Decline("the input has four axes")
    given = node.attributes.get("perm")
    perm = list(given.as_ints()) if given is not None else list(range(len(shape)))[::-1]
    sizes, order = together(shape, perm)
    if len(order) < 2:
        raise Decline("no axis moves")
    if len(order) > MOST_AXES:
        raise Decline(f"{len(order)} axes move, at most {MOST_AXES} are looked at")
    for blocks, moved in steps(len(sizes), order):
        extents = [prod(sizes[axis] for axis in block) for block in blocks]
        fill = 4 - len(blocks)
        view = tape.op("Reshape", [value, indices(tape, [1] * fill + extents)])
        places = [*range(fill), *(place + fill for place in moved)]
        value = tape.op("Transpose", [view], attributes={"perm": places})
    return tape.op("Reshape", [value, indices(tape, shape_of(node.outputs[0], "the output"))])


def together(shape: Sequence[int], perm: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sizes and permutation of the fewest axes: without those of size 1, and with neighbours that stay neighbours as one."""
    moved = [axis for axis in perm if shape[axis] != 1]
    groups: list[list[int]] = []
    kept = [axis for axis, size in enumerate(shape) if size != 1]
    following = dict(itertools.pairwise(kept))
    for axis in moved:
        if groups and following.get(groups[-1][-1]) == axis:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    first = sorted(range(len(groups)), key=lambda place: groups[place][0])
    sizes = [prod(shape[axis] for axis in groups[place]) for place in first]
    return sizes, [first.index(place) for place in range(len(groups))]


def steps(count: int, order: Sequence[int]) -> list[tuple[list[tuple[int, ...]], tuple[int, ...]]]:
    """The fewest moves of at most four blocks that bring axes 0..count-1 into `order`: (blocks of axes, their new order)."""
    start, goal = tuple(range(count)), tuple(order)
    came: dict[tuple[int, ...], list[tuple[list[tuple[int, ...]], tuple[int, ...]]]] = {start: []}
    frontier = [start]
    while goal not in came:
        fresh = []
        for state in frontier:
            for blocks, moved in moves(state):
                after = tuple(axis for place in moved for axis in blocks[place])
                if after not in came:
                    came[after] = [*came[state], (blocks, moved)]
                    fresh.append(after)
        frontier = fresh
    return came[goal]


def moves(state: tuple[int, ...]) -> Iterator[tuple[list[tuple[int, ...]], tuple[int, ...]]]:
    """Every way to cut the axes into two to four blocks and to put them in another order; fewer blocks first."""
    for count in range(2, min(4, len(state)) + 1):
        for cuts in itertools.combinations(range(1, len(state)), count - 1):
            ends = (0, *cuts, len(state))
            blocks = [state[start:stop] for start, stop in itertools.pairwise(ends)]
            for moved in itertools.permutations(range(count)):
                if moved != tuple(range(count)):
                    yield blocks, moved
