"""Tensors put together and taken apart: Concat, Split, Slice, Pad."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from converter.support.cases import Case
from converter.support.cases._drawing import SHAPES as MASKS
from converter.support.cases._drawing import Operand, Recipe, draw, ints, node, scalar

END = np.iinfo(np.int64).max
START = np.iinfo(np.int64).min

SHAPES = ((6,), (4, 6), (2, 4, 6), (1, 9, 8), (2, 4, 6, 8), (1, 4, 6, 8), (1, 2, 4, 3, 6))


def concats() -> Iterator[Recipe]:
    """Every axis, two to four inputs of different extents, constants on either side."""

    def part(shape: tuple[int, ...], axis: int, extent: int, constant: bool = False, dtype: str = "float32") -> Operand:
        sizes = list(shape)
        sizes[axis] = extent
        return Operand(tuple(sizes), "normal", dtype, constant)

    for shape in SHAPES:
        for axis in (*range(len(shape)), -1, -2 if len(shape) > 1 else -1):
            for extents in ((2, 3), (4, 4), (1, 5), (3, 1, 2), (2, 2, 2, 2)):
                yield node("Concat", *(part(shape, axis, extent) for extent in extents), axis=axis)
            yield node("Concat", part(shape, axis, 1, constant=True), part(shape, axis, 4), axis=axis)
            yield node("Concat", part(shape, axis, 4), part(shape, axis, 1, constant=True), axis=axis)
            yield node("Concat", part(shape, axis, 3), axis=axis)
    yield node(
        "Concat",
        part((1, 4, 6), 1, 1, constant=True),
        part((1, 4, 6), 1, 2),
        part((1, 4, 6), 1, 1, constant=True),
        axis=1,
    )
    for dtype, axis in product(("int64", "int32", "bool", "float16", "uint8", "float64"), (0, 1)):
        yield node("Concat", part((3, 4), axis, 2, dtype=dtype), part((3, 4), axis, 3, dtype=dtype), axis=axis)
    for count, axis in product((5, 8), (1, -1)):
        yield node("Concat", *[Operand((1, 3, 4, 5))] * count, axis=axis)
    yield node("Concat", *[Operand((1,), dtype="int64")] * 3, axis=0)


def concats_drawn() -> Iterator[Recipe]:
    """Shapes with ones, constants among the inputs, and as many inputs as dense networks join."""
    rng = np.random.default_rng(28)
    for number, (rank, count) in enumerate(product((2, 3, 4, 5, 6), (2, 2, 2, 3, 3, 4))):
        for shape in MASKS[rank]:
            axis = int(rng.integers(rank))
            extents = [shape[axis]] * count if number % 2 else rng.integers(1, 4, count).tolist()
            constant = int(rng.integers(count)) if number % 3 == 0 else -1
            parts = [(*shape[:axis], extent, *shape[axis + 1 :]) for extent in extents]
            written = axis - rank if rng.random() < 0.3 else axis
            yield node("Concat", *(Operand(part, constant=i == constant) for i, part in enumerate(parts)), axis=written)
    for count in (*range(5, 26), 32, 48):
        yield node("Concat", *(Operand((1, 1 + i % 3, 4, 5)) for i in range(count)), axis=1)
    for count in (5, 6, 8):
        yield node("Concat", *(Operand((1, 1 + i % 3, 8)) for i in range(count)), axis=1)
        yield node("Concat", *(Operand((1, 5, 1 + i % 3)) for i in range(count)), axis=-1)
        yield node("Concat", *(Operand((1, 1 + i % 3)) for i in range(count)), axis=1)


def splits() -> Iterator[Recipe]:
    """Equal and unequal parts: sizes as input, as attribute before opset 13, or a number of outputs."""
    for shape in SHAPES:
        for axis in (*range(len(shape)), -1):
            extent = shape[axis]
            if extent == 1:
                continue
            for sizes in {(1, extent - 1), (extent - 1, 1), (extent // 2, extent - extent // 2)}:
                yield node("Split", Operand(shape), ints(*sizes), outputs=2, axis=axis)
                yield node("Split", Operand(shape), outputs=2, axis=axis, split=sizes, opset=11)
            if extent % 2 == 0:
                yield node("Split", Operand(shape), outputs=2, axis=axis, num_outputs=2)
                yield node("Split", Operand(shape), outputs=2, axis=axis, opset=13)
                yield node("Split", Operand(shape), outputs=2, axis=axis, opset=11)
            if extent > 2:
                yield node("Split", Operand(shape), ints(1, 1, extent - 2), outputs=3, axis=axis)
            if extent % 3 == 0:
                yield node("Split", Operand(shape), outputs=3, axis=axis, num_outputs=3)
                yield node("Split", Operand(shape), outputs=3, axis=axis, opset=11)
                yield node("Split", Operand(shape), ints(*[extent // 3] * 3), outputs=3, axis=axis)
    for shape, axis in (
        ((3, 1, 2, 4, 5), 0),
        ((3, 2, 4), 0),
        ((1, 9, 3, 2, 4), 2),
        ((3, 1, 2, 4), 0),
        ((1, 3, 4), 1),
        ((2, 3), 0),
    ):
        count = shape[axis]
        yield node("Split", Operand(shape), ints(*[1] * count), outputs=count, axis=axis)
        yield node("Split", Operand(shape), outputs=count, axis=axis, num_outputs=count)
        yield node("Split", Operand(shape), outputs=count, axis=axis, opset=13)
    yield node("Split", Operand((2, 7, 3)), outputs=3, axis=1, num_outputs=3)
    yield node("Split", Operand((6, 4)), outputs=2, num_outputs=2)
    yield node("Split", Operand((1, 12, 3, 4)), ints(3, 3, 6), outputs=3, axis=1)
    yield node("Split", Operand((6,), dtype="int64"), ints(2, 4), outputs=2, axis=0)


def splits_drawn() -> Iterator[Recipe]:
    """Two, three, four and eight parts, in each form, on every axis of ranks 2 to 6."""
    for number, (rank, count) in enumerate(product((2, 3, 4, 5, 6), (2, 3, 4, 8))):
        for place, shape in enumerate(MASKS[rank]):
            for axis in dict.fromkeys((0, 1, rank - 1, (number + place) % rank)):
                if (number + place + axis) % 2 and (count, axis) not in ((3, 0), (2, 1), (3, 1)):
                    continue
                each = 1 if (place + axis) % 2 else 2
                data = Operand((*shape[:axis], each * count, *shape[axis + 1 :]))
                written = axis - rank if (number + axis) % 3 == 0 else axis
                yield node("Split", data, ints(*[each] * count), outputs=count, axis=written)
                yield node("Split", data, outputs=count, axis=written, num_outputs=count)
                if count < 5:
                    uneven = Operand((*shape[:axis], each * count + 3, *shape[axis + 1 :]))
                    yield node("Split", uneven, ints(*[each] * (count - 1), each + 3), outputs=count, axis=written)


def slices_drawn() -> Iterator[Recipe]:
    """Ranges on one and two axes of ranks 2 to 6, with and without steps; parts of the last axis, every second row."""
    rng = np.random.default_rng(29)
    for rank, _ in product((2, 3, 4, 5, 6), range(5)):
        for mask in MASKS[rank]:
            shape = tuple(extent if extent == 1 else extent + 3 for extent in mask)
            wide = [axis for axis, extent in enumerate(shape) if extent > 1]
            if not wide:
                continue
            axes = sorted(rng.choice(wide, min(len(wide), int(rng.choice([1, 1, 1, 2, 2]))), replace=False).tolist())
            starts = [int(rng.integers(0, shape[axis] - 2)) for axis in axes]
            ends = [int(rng.choice([END, start + 1, start + 2, -1])) for start in starts]
            steps = [int(rng.choice([1, 1, 2])) for _ in axes]
            parameters = [ints(*starts), ints(*ends), ints(*axes)]
            yield node("Slice", Operand(shape), *parameters)
            if max(steps) > 1:
                yield node("Slice", Operand(shape), *parameters, ints(*steps))
    for offset, pair in product(((0, 0), (0, 1), (1, 0), (1, 1)), ((1, 2), (2, 3), (1, 3))):
        patch = [ints(*offset), ints(END, END), ints(*pair), ints(2, 2)]
        yield node("Slice", Operand((1, 8, 6, 8)), *patch)
        yield node("Slice", Operand((2, 8, 6, 8)), *patch)
    for shape in ((3, 1, 2, 4, 5), (3, 2, 2, 4, 5), (2, 1, 2, 4, 5), (3, 1, 4, 5), (3, 1, 1, 4, 5), (3, 2, 1, 2, 4, 5)):
        for axis, extent in enumerate(shape):
            for start in range(extent if extent in (2, 3) else 0):
                yield node("Slice", Operand(shape), ints(start), ints(start + 1), ints(axis))
                yield node("Slice", Operand(shape), ints(start), ints(start + 1), ints(axis), ints(1))


def slices() -> Iterator[Recipe]:
    """Starts, ends and steps of either sign, on one axis and on several."""
    shapes = ((7,), (4, 7), (2, 5, 7), (1, 5, 7), (2, 4, 6, 8), (1, 4, 6, 8), (1, 2, 4, 3, 6))
    ranges = (
        (0, 1, 1),
        (1, END, 1),
        (1, 3, 1),
        (-1, END, 1),
        (-2, -1, 1),
        (0, -1, 1),
        (0, END, 2),
        (1, END, 2),
        (-1, START, -1),
        (2, 0, -1),
    )
    for shape in shapes:
        for axis, (start, end, step) in product(range(len(shape)), ranges):
            if shape[axis] < 3 and (shape[axis] == 1 or (start, end) not in ((0, 1), (1, END), (0, -1))):
                continue
            yield node("Slice", Operand(shape), ints(start), ints(end), ints(axis), ints(step))
            if step == 1:
                yield node("Slice", Operand(shape), ints(start), ints(end), ints(axis))
                if end != END or start == 1:
                    yield node("Slice", Operand(shape), starts=[start], ends=[end], axes=[axis], opset=9)
        yield node("Slice", Operand(shape), ints(0), ints(END), ints(-1), ints(2))
        yield node("Slice", Operand(shape), ints(1), ints(END), ints(-1), ints(1))
        yield node("Slice", Operand(shape), ints(0), ints(END), ints(-1), ints(1))
        yield node("Slice", Operand(shape), ints(0), ints(2**31 - 1), ints(-1), ints(1))
        yield node("Slice", Operand(shape), ints(1), ints(1000), ints(-1), ints(1))
    for shape, starts, ends, axes, steps in (
        ((1, 4, 6, 8), (0, 0), (END, END), (2, 3), (2, 2)), ((1, 4, 6, 8), (1, 1), (END, END), (2, 3), (2, 2)),
        ((1, 4, 6, 8), (0, 1), (END, END), (2, 3), (2, 2)), ((1, 4, 6, 8), (1, 1), (-1, -1), (2, 3), (1, 1)),
        ((1, 4, 6, 8), (0, 0), (5, 7), (2, 3), (1, 1)), ((1, 4, 6, 8), (0, 1, 1), (2, 4, 4), (1, 2, 3), (1, 1, 1)),
        ((2, 4, 6, 8), (0, 0, 0, 0), (1, 2, 3, 4), (0, 1, 2, 3), (1, 1, 1, 1)), ((2, 5, 7), (1, 1), (4, 6), (1, 2), (1, 1)),
        ((1, 9, 8), (1,), (END,), (1,), (1,)), ((1, 9, 8), (0,), (1,), (1,), (1,)), ((1, 9, 8), (0,), (9,), (1,), (1,)),
        ((1, 4, 6, 8), (0, 0), (6, 8), (2, 3), (1, 1)), ((1, 7, 7, 4), (0, 0), (5, 5), (1, 2), (1, 1)),
        ((1, 4, 6, 8), (-3, -4), (END, END), (-2, -1), (1, 1)), ((1, 4, 6, 8), (-1, -1), (START, START), (2, 3), (-1, -1)),
    ):  # fmt: skip
        yield node("Slice", Operand(shape), ints(*starts), ints(*ends), ints(*axes), ints(*steps))
        if min(steps) > 0 and max(steps) == 1:
            yield node("Slice", Operand(shape), ints(*starts), ints(*ends), ints(*axes))
            yield node("Slice", Operand(shape), starts=starts, ends=ends, axes=axes, opset=9)
    yield node("Slice", Operand((4, 7)), ints(1, 2), ints(3, 6))
    yield node("Slice", Operand((1, 4, 6, 8)), ints(0, 1, 2, 3), ints(1, 4, 5, 7))
    for dtype in ("int64", "int32", "bool", "float16", "uint8", "float64"):
        yield node("Slice", Operand((4, 7), dtype=dtype), ints(1), ints(5), ints(1), ints(1))
    for index in ("int32",):
        bounds = [np.asarray([value], index) for value in (1, 5, 1, 1)]
        yield node("Slice", Operand((4, 7)), *bounds)


PADS: tuple[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], ...] = (
    ((6,), ((1, 2), (0, 3), (2, 0))),
    ((4, 6), ((0, 1, 0, 1), (1, 0, 1, 0), (1, 2, 3, 1), (0, 0, 0, 2))),
    ((1, 4, 6), ((0, 0, 1, 0, 0, 1), (0, 1, 0, 0, 1, 0), (0, 1, 2, 0, 0, 1), (0, 0, 0, 0, 3, 0), (0, 0, 3, 0, 0, 0))),
    ((1, 3, 5, 6), (
        (0, 0, 1, 1, 0, 0, 1, 1), (0, 0, 0, 0, 0, 0, 1, 1), (0, 0, 1, 1, 0, 0, 0, 0), (0, 0, 2, 3, 0, 0, 1, 0),
        (0, 0, 0, 2, 0, 0, 0, 1),
        (0, 0, 2, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 0, 2, 0, 0), (0, 2, 0, 0, 0, 0, 0, 0),
        (0, 0, 4, 4, 0, 0, 4, 4))),
    ((2, 3, 5, 6), ((0, 0, 1, 1, 0, 0, 1, 1), (0, 1, 2, 0, 0, 0, 1, 3))),
    ((1, 5, 6, 3), ((0, 1, 1, 0, 0, 1, 1, 0), (0, 0, 0, 0, 0, 2, 1, 0))),
    ((1, 2, 3, 4, 5), ((0, 0, 1, 1, 1, 0, 0, 1, 1, 1), (0, 0, 0, 1, 2, 0, 0, 0, 2, 1))),
)  # fmt: skip


def pads() -> Iterator[Recipe]:
    """Pad in its modes, with its value given or not, fed or constant, by axes, and with negative widths."""
    for shape, widths in PADS:
        for width, mode in product(widths, (None, "constant", "reflect", "edge", "wrap")):
            if mode == "wrap" and shape[0] == 2:
                continue
            yield node("Pad", Operand(shape), ints(*width), mode=mode)
            if mode in (None, "constant"):
                yield node("Pad", Operand(shape), ints(*width), scalar(0 if mode else 1.5), mode=mode)
                yield node("Pad", Operand(shape), pads=width, mode=mode, value=1.5 if mode else None, opset=10)
            elif mode != "wrap":
                yield node("Pad", Operand(shape), pads=width, mode=mode, opset=10)
                yield node("Pad", Operand(shape), ints(*width), scalar(0), mode=mode)
    for width, mode in product(((1, 1, 1, 1), (0, 2, 1, 0), (0, 0, 1, 1)), ("constant", "reflect", "edge")):
        yield node("Pad", Operand((1, 3, 5, 6)), ints(*width), scalar(0), ints(2, 3), mode=mode)
        yield node("Pad", Operand((1, 3, 5, 6)), ints(*width), None, ints(-2, -1), mode=mode)
    for width in (
        (0, 0, -1, -1, 0, 0, -1, -1),
        (0, 0, -1, 0, 0, 0, 0, 0),
        (0, 0, 1, -1, 0, 0, -1, 1),
        (0, 0, 0, 0, 0, 0, -2, -3),
        (0, -1, 0, 0, 0, 0, 0, 0),
    ):
        yield node("Pad", Operand((1, 3, 5, 6)), ints(*width), mode="constant")
        yield node("Pad", Operand((1, 3, 5, 6)), ints(*width), scalar(0), mode="constant")
    for value in (0.0, -1.0, float("-inf")):
        yield node("Pad", Operand((1, 3, 5, 6)), ints(0, 0, 1, 1, 0, 0, 1, 1), scalar(value))
        yield node("Pad", Operand((1, 3, 5, 6)), ints(0, 0, 0, 0, 0, 0, 1, 1), scalar(value), mode="constant")
    yield node("Pad", Operand((1, 3, 5, 6)), ints(0, 0, 1, 1, 0, 0, 1, 1), Operand(()))
    for dtype in ("int64", "float64", "uint8", "bool", "float16", "int32"):
        yield node("Pad", Operand((3, 4), dtype=dtype), ints(0, 1, 1, 0))
    yield node("Pad", Operand((1, 3, 5, 6)), ints(*[0] * 8))


def recipes() -> Iterator[Recipe]:
    yield from concats()
    yield from concats_drawn()
    yield from splits()
    yield from splits_drawn()
    yield from slices()
    yield from slices_drawn()
    yield from pads()


def cases() -> Iterator[Case]:
    return draw("joining", recipes())
