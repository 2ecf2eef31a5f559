"""Reductions over every set of axes, with axes as attribute and as input; arg-max, sorting, running sums."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES as MASKS
from converter.support.cases._drawing import Operand, Recipe, draw, floats, ints, node

SHAPES = {1: (6,), 2: (3, 5), 3: (2, 5, 4), 4: (2, 3, 4, 5), 5: (1, 2, 3, 4, 2)}

OFTEN = ("ReduceMean", "ReduceSum", "ReduceMax")
RARELY = ("ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")


def one(op: str, shape: tuple[int, ...], axes: tuple[int, ...] | None, keep: int | None, form: str) -> Recipe:
    """A reduction. `form`: "input" (opset 18 and later) or "attribute" (13; 11 for the sum)."""
    kind = "positive" if op in ("ReduceLogSum", "ReduceProd") else "normal"
    if form == "input":
        given = [] if axes is None else [ints(*axes)]
        return node(op, Operand(shape, kind), *given, keepdims=keep)
    return node(op, Operand(shape, kind), axes=axes, keepdims=keep, opset=11 if op == "ReduceSum" else 13)


def sets_of(rank: int) -> list[tuple[int, ...] | None]:
    """Every set of axes, and none given."""
    return [None, *(axes for count in range(1, rank + 1) for axes in combinations(range(rank), count))]


def reductions() -> Iterator[Recipe]:
    """The usual ones everywhere, the others at every second place."""
    shape: tuple[int, ...]
    axes: tuple[int, ...] | None
    number = 0
    for rank, shape in SHAPES.items():
        for axes, keep, form in product(sets_of(rank), (1, 0), ("input", "attribute")):
            number += 1
            for op in OFTEN if rank < 5 else (OFTEN[number % 3],):
                yield one(op, shape, axes, keep, form)
            if rank < 5:
                yield one(RARELY[number % 7], shape, axes, keep, form)
    rng = np.random.default_rng(23)
    for op, rank in product(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2"), (2, 3, 4, 5, 6)):
        for shape in MASKS[rank]:
            sets: list[tuple[int, ...]] = [(axis,) for axis in range(rank)] + [
                (rank - 2, rank - 1),
                tuple(range(2, rank)),
                tuple(range(1, rank)),
                (1, 2),
            ]
            sets += [tuple(sorted(rng.choice(rank, 2, replace=False).tolist())) for _ in range(2)]
            possible = [some for some in dict.fromkeys(sets) if some and max(some) < rank]
            for pick in rng.choice(len(possible), min(6, len(possible)), replace=False):
                yield one(op, shape, possible[pick], int(rng.integers(2)), "input")
    for op, form, keep in product((*OFTEN, *RARELY), ("input", "attribute"), (1, 0)):
        for shape, axes in (
            ((1, 4, 5, 7), (-1,)), ((1, 4, 5, 7), (-2, -1)), ((1, 4, 5, 7), (2, 3)), ((1, 4, 5, 7), (1,)),
            ((1, 4, 5, 7), (-1, -2)),
            ((2, 6, 8), (-1,)), ((2, 6, 8), (1,)), ((1, 6, 8), (-2,)), ((2, 6, 8), (-1, -2)), ((3, 9), (-1,)), ((1, 9), (1,)),
            ((1, 4, 5, 7), (1, 2, 3)),
        ):  # fmt: skip
            if op in OFTEN or len(shape) > 2 or form == "input":
                yield one(op, shape, axes, keep, form)
    for op, shape in product(("ReduceMean", "ReduceSum"), ((1, 4, 5, 7), (1, 16, 7, 7), (2, 8, 1, 1), (1, 8, 1, 9))):
        for axes in ((2, 3), (-1, -2), (3,), (2,), (1,)):
            yield one(op, shape, axes, 1, "input")
            yield one(op, shape, axes, None, "attribute")
    for axes in ((2, 3), (1,), (-1,)):
        yield node("ReduceSum", Operand((1, 4, 5, 7)), ints(*axes), opset=13)
        yield node("ReduceMean", Operand((1, 4, 5, 7)), axes=axes, opset=11)
    yield node("ReduceMean", Operand((1, 4, 5, 7)), noop_with_empty_axes=1)
    for op, dtype in product(
        ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd"), ("int64", "int32", "float64", "float16")
    ):
        yield one_of_dtype(op, dtype)


LARGE = (
    ((1, 256, 7, 7), (2, 3)), ((1, 64, 14, 14), (2, 3)), ((1, 8, 64), (1,)), ((1, 49, 128), (1,)), ((1, 197, 32), (-1,)),
    ((1, 14, 14, 32), (3,)), ((1, 64, 14, 14), (1,)), ((1, 64, 14, 14), (3,)), ((4, 49, 64), (2,)), ((1, 128, 9), (2,)),
)  # fmt: skip


def reductions_to_many() -> Iterator[Recipe]:
    """Many numbers come out: 4.8.1 then reduces wrongly, where it is right for few."""
    for op, (shape, axes), form, keep in product((*OFTEN, "ReduceL2"), LARGE, ("input", "attribute"), (1, 0)):
        yield one(op, shape, axes, keep, form)


def one_of_dtype(op: str, dtype: str) -> Recipe:
    return node(op, Operand((2, 3, 4), "few" if "int" in dtype else "normal", dtype), ints(1), keepdims=0)


def arguments() -> Iterator[Recipe]:
    """ArgMax and ArgMin on every axis."""
    for op, shape, keep in product(("ArgMax", "ArgMin"), (*SHAPES.values(), (1, 5, 4, 6), (1, 10)), (1, 0)):
        for axis in (*range(len(shape)), -1):
            yield node(op, Operand(shape, "distinct"), axis=axis, keepdims=keep)
    for op, last in product(("ArgMax", "ArgMin"), (0, 1)):
        yield node(op, Operand((1, 5, 4, 6), "few"), axis=1, select_last_index=last)
        yield node(op, Operand((1, 5, 4, 6)), axis=1)
    for dtype in ("int64", "int32", "float64", "float16", "uint8"):
        yield node("ArgMax", Operand((3, 9), "distinct" if dtype != "uint8" else "few", dtype), axis=1)


def sorting() -> Iterator[Recipe]:
    """TopK, and what else puts in order."""
    for shape in ((9,), (3, 9), (2, 5, 6), (1, 4, 5, 7)):
        for axis, largest, k in product((*range(len(shape)), -1), (1, 0), (1, 3)):
            if k <= shape[axis]:
                yield node("TopK", Operand(shape, "distinct"), ints(k), outputs=2, axis=axis, largest=largest, sorted=1)
    yield node("TopK", Operand((3, 9), "distinct"), ints(4), outputs=2)
    yield node("TopK", Operand((3, 9), "distinct", "int64"), ints(4), outputs=2)
    yield node("TopK", Operand((3, 9), "distinct"), ints(4), outputs=2, opset=10)
    yield node("TopK", Operand((1, 100), "distinct"), ints(50), outputs=2, axis=1, largest=1, sorted=1)
    yield node("NonZero", Operand((3, 4), "positive"))
    for boxes in (6, 9):
        limits = (ints(3), floats(0.5), floats(0.1))
        corners = np.sort(np.random.default_rng(boxes).uniform(0, 10, (1, boxes, 2, 2)), axis=2).reshape(1, boxes, 4)
        yield node("NonMaxSuppression", corners.astype(np.float32), Operand((1, 2, boxes), "positive"), *limits)


def running() -> Iterator[Recipe]:
    """CumSum."""
    for shape in ((6,), (3, 5), (2, 5, 4), (1, 4, 5, 7)):
        for axis, exclusive, reverse in product((*range(len(shape)), -1), (0, 1), (0, 1)):
            if axis >= 0 or not exclusive:
                yield node(
                    "CumSum", Operand(shape), np.asarray(axis), exclusive=exclusive or None, reverse=reverse or None
                )
    for dtype in ("int64", "int32", "float64"):
        yield node("CumSum", Operand((3, 5), dtype=dtype), np.asarray(1))
    yield node("CumSum", Operand((3, 5)), ints(1))


def recipes() -> Iterator[Recipe]:
    yield from reductions()
    yield from reductions_to_many()
    yield from arguments()
    yield from sorting()
    yield from running()


def cases() -> Iterator[Case]:
    return draw("reduction", recipes())
