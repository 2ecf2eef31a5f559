"""Elements picked and put by index: Gather and its kin, Scatter, OneHot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES as MASKS
from converter.support.cases._drawing import Operand, Recipe, draw, floats, ints, node, scalar

Shape = tuple[int, ...]
Pair = tuple[Shape, Shape]

SHAPES = ((5,), (4, 5), (3, 4, 5), (1, 4, 5), (3, 4, 5, 6), (1, 4, 5, 6), (3, 1, 2, 4, 5), (1, 2, 3, 4, 5))
"""Axes of three or more can be indexed by "few"."""


def gathers() -> Iterator[Recipe]:
    """Scalar, vector and matrix indices, negative ones, on every axis; constant or fed."""
    for shape in SHAPES:
        for axis in (*range(len(shape)), -1):
            extent = shape[axis]
            for place in sorted({0, extent - 1, -1}):
                yield node("Gather", Operand(shape), np.asarray(place), axis=axis)
            vectors = [(0,), (extent - 1,), (-1,), tuple(range(extent))[::-1], tuple(range(extent)), (0, 0, extent - 1)]
            for vector in dict.fromkeys(vectors):
                yield node("Gather", Operand(shape), ints(*vector), axis=axis)
            yield node("Gather", Operand(shape), ints(0, extent - 1, 0, 0).reshape(2, 2), axis=axis)
            if extent >= 3:
                for indices in ((2,), (), (2, 3)):
                    yield node("Gather", Operand(shape), Operand(indices, "few", "int64"), axis=axis)
    for shape, indices in (((9, 6), (4, 4)), ((9, 6), (5,)), ((12, 8), (1, 7)), ((12, 8), (2, 7)), ((5, 3), (16, 16))):
        # tables that the network looks up
        for constant, dtype in product((True, False), ("int64", "int32")):
            yield node(
                "Gather", Operand(shape, constant=True), Operand(indices, "few", dtype), axis=0 if constant else None
            )
        yield node("Gather", Operand(shape), Operand(indices, "few", "int64", constant=True))
        yield node("Gather", Operand(shape), Operand(indices, "few", "int32", constant=True))
    for dtype, index in product(("int64", "int32", "bool", "float16", "uint8", "float64"), (np.asarray(1), ints(1, 0))):
        yield node("Gather", Operand((4, 5), dtype=dtype), index, axis=0)
    for index in (scalar(1, "int32"), np.asarray([1, 0], np.int32)):
        for shape, axis in (((1, 4, 5), 1), ((4, 5), 0), ((1, 4, 5, 6), 2)):
            yield node("Gather", Operand(shape), index, axis=axis)


def gathers_drawn() -> Iterator[Recipe]:
    """Shapes with ones and of rank 6; index arrays up to rank 4, as relative positions and shifts need."""
    shape: Shape
    indices: Shape
    for rank in (2, 3, 4, 5, 6):
        for shape in MASKS[rank]:
            for axis, extent in enumerate(shape):
                if extent > 1:
                    yield node("Gather", Operand(shape), scalar(extent - 1, "int64"), axis=axis)
                    yield node("Gather", Operand(shape), ints(*range(1, extent), 0), axis=axis)
                    if axis % 2:
                        yield node("Gather", Operand(shape), ints(0), axis=axis)
    for shape, indices, axis in (
        ((9,), (1, 5, 1, 1), 0), ((9, 4), (1, 5, 1, 1), 0), ((9,), (5, 5), 0), ((9,), (5, 5, 1), 0),
        ((9, 2), (25,), 0), ((2, 9), (5, 5), 1),
        ((1, 4, 9, 3), (2, 2), 2), ((1, 4, 5, 6), (3, 3), 3), ((4, 5), (1, 3), 1), ((4, 5), (2, 1, 1), 0),
    ):  # fmt: skip
        index = np.arange(int(np.prod(indices))).reshape(indices) % shape[axis]
        for constant in (True, False):
            yield node(
                "Gather",
                Operand(shape, constant=not constant),
                index if constant else Operand(indices, "few", "int64"),
                axis=axis,
            )
    tuples: tuple[Pair, ...] = (
        ((4, 1, 5), (3, 4, 2, 2, 3)),
        ((4, 4, 3), (2, 2, 2, 2, 2)),
        ((3, 3, 1, 5), (2, 2, 2)),
        ((5, 5), (1, 2, 3, 1, 2)),
    )
    for (shape, indices), constant in product(tuples, (True, False)):
        limit = "zeros" if 1 in shape[: indices[-1]] else "few"
        yield node("GatherND", Operand(shape), Operand(indices, limit, "int64", constant=constant))


def elements() -> Iterator[Recipe]:
    """GatherElements and ScatterElements."""
    shape: Shape
    for shape, indices in (
        ((4,), (3,)), ((4, 5), (2, 5)), ((4, 5), (4, 5)), ((3, 4, 5), (3, 4, 2)), ((3, 4, 5), (3, 4, 5)),
        ((3, 4, 5, 6), (3, 4, 5, 6)),
        ((1, 4, 5, 6), (1, 4, 5, 6)), ((1, 8), (1, 3)), ((1, 9, 8), (1, 3, 8)),
    ):  # fmt: skip
        for axis, constant in product((*range(len(shape)), -1), (True, False)):
            if shape[axis] < 3:
                continue
            fits = all(few <= many for few, many in zip(indices, shape, strict=True))
            index = Operand(indices, "few", "int64", constant=constant)
            yield node("GatherElements", Operand(shape), index, axis=axis)
            for form in (None, "add", "mul", "max") if fits else ():
                if form is None and indices[axis] > 1:
                    continue  # which of two writes to one place stays is not said
                yield node("ScatterElements", Operand(shape), index, Operand(indices), axis=axis, reduction=form)
    written: tuple[tuple[Shape, int, np.ndarray], ...] = (
        ((4, 5), 1, ints(1, 3, 4, 0).reshape(2, 2)),
        ((4, 5), 0, ints(3, 1, 2, 0, 1).reshape(1, 5)),
        ((1, 4, 5), 1, ints(*range(5)).reshape(1, 1, 5) % 4),
        ((1, 3, 4, 5), 2, np.full((1, 3, 1, 5), 2)),
    )
    for shape, axis, places in written:
        yield node("ScatterElements", Operand(shape), places, Operand(places.shape), axis=axis)
        yield node("ScatterElements", Operand(shape), places, Operand(places.shape, constant=True), axis=axis)
        yield node("GatherElements", Operand(shape), places, axis=axis)


def tuples() -> Iterator[Recipe]:
    """GatherND and ScatterND, with batch axes and with whole slices."""
    for shape, indices, batch in (
        ((4, 5), (3, 2), 0), ((4, 5), (3, 1), 0), ((4, 5), (2,), 0), ((3, 4, 5), (2, 3), 0), ((3, 4, 5), (2, 2), 0),
        ((3, 4, 5), (2, 1), 0), ((3, 4, 5), (2, 3, 2), 0), ((3, 4, 5), (3, 2, 1), 1), ((3, 4, 5), (3, 1), 1),
        ((3, 4, 5), (3, 4, 1), 2), ((3, 4, 5, 6), (2, 4), 0), ((3, 4, 5, 6), (2, 2), 0), ((3, 4, 5, 6), (3, 2, 2), 1),
        ((1, 4, 5, 6), (1, 2, 1), 1), ((7,), (2, 1), 0), ((7,), (1,), 0),
    ):  # fmt: skip
        for constant in (True, False):
            index = Operand(indices, "few", "int64", constant=constant)
            yield node("GatherND", Operand(shape), index, batch_dims=batch or None)
    for shape, listed in (
        ((4, 5), [[1]]), ((4, 5), [[1, 2], [3, 4]]), ((4, 5), [[0], [3]]), ((7,), [[1], [4]]), ((3, 4, 5), [[0, 1], [2, 3]]),
        ((3, 4, 5), [[1]]), ((3, 4, 5), [[0, 1, 2], [2, 3, 4]]), ((1, 4, 5, 6), [[0, 1], [0, 3]]), ((1, 4, 5, 6), [[0]]),
        ((2, 3, 4, 5), [[1, 2, 3, 4], [0, 0, 0, 0]]), ((1, 9, 8), [[0, 0], [0, 8]]),
    ):  # fmt: skip
        places = np.array(listed, np.int64)
        update = (len(places), *shape[places.shape[-1] :])
        for constant, form in product((True, False), (None, "add", "mul")):
            yield node("ScatterND", Operand(shape), places, Operand(update, constant=constant), reduction=form)
        yield node("ScatterND", Operand(shape, constant=True), places, Operand(update))
        yield node(
            "ScatterND", Operand(shape), Operand(places.shape, "zeros", "int64"), Operand(update), reduction="add"
        )


def grids() -> Iterator[Recipe]:
    """A place for every element of a window, as exporters write an assignment to a slice or a lookup by two arrays."""
    for shape, window in (
        ((1, 4, 5, 6), (1, 4, 2, 3)),
        ((1, 5, 6, 3), (1, 2, 6, 3)),
        ((2, 4, 5, 3), (2, 4, 5, 1)),
        ((3, 4, 5), (1, 4, 5)),
        ((4, 5), (2, 5)),
    ):
        places = np.stack(np.meshgrid(*(np.arange(extent) for extent in window), indexing="ij"), axis=-1)
        for constant in (True, False):
            yield node("ScatterND", Operand(shape), places, Operand(window, constant=constant))
        yield node("GatherND", Operand(shape), places)
        yield node("GatherND", Operand(shape), places[..., :2])
        yield node("GatherND", Operand(shape), places[..., :1])


def marks() -> Iterator[Recipe]:
    """OneHot, Compress, and constants of a shape."""
    values = floats(0, 1)
    for shape, axis in product(((5,), (2, 3), (1, 4, 4)), (None, -1, 0, 1)):
        yield node("OneHot", Operand(shape, "few", "int64"), ints(4), values, axis=axis)
        yield node("OneHot", Operand(shape, "few", "int32"), np.asarray(4), values, axis=axis)
    yield node("OneHot", Operand((5,), "few", "int64"), ints(4), ints(0, 1))
    yield node("OneHot", Operand((5,), "few"), ints(4), values)
    for shape, axis in (((4, 5), 0), ((4, 5), 1), ((1, 4, 3), 1)):
        keep = np.arange(shape[axis]) % 2 == 0
        yield node("Compress", Operand(shape), keep, axis=axis)
    for shape in ((3,), (2, 3), (1, 2, 3, 4)):
        yield node("ReverseSequence", Operand((4, 3, *shape)), ints(1, 2, 4), time_axis=0, batch_axis=1)


def recipes() -> Iterator[Recipe]:
    yield from gathers()
    yield from gathers_drawn()
    yield from elements()
    yield from tuples()
    yield from grids()
    yield from marks()


def cases() -> Iterator[Case]:
    return draw("indexing", recipes())
